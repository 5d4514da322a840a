"""The POP3 door (RFC 1939): one file a command group, what is legal when in mailhost.protocols.pop3.states.

It serves INBOX as it was at sign-in. What others expunge meanwhile can still be read; what arrives is seen next time.
"""
