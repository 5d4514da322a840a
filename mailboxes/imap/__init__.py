"""The IMAP door (RFC 3501): sessions over the store. One file per command in `commands/`."""
