"""IMAP4rev1 (RFC 3501) without I/O: framing, grammar, values, response forms and the state table.

Octets go in through `framing`, become frozen values in `parser`, and leave through `responses`. Nothing in
here knows Django, sockets, a clock or settings: limits come in by signature.
"""
