"""POP3 (RFC 1939) without I/O: commands, states, replies. The door is mailboxes/pop3."""
