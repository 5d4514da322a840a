"""The SMTP listener: inbound mail on port 25, submission on 587 and 465."""
