"""IMAP and POP3 beside Dovecot: reading, writing, searching, signing in, being idle."""
