"""Identifiers that stay with an object whatever it is called and wherever it is (RFC 8474 section 4)."""


def mailbox_object_id(mailbox_id: int) -> str:
    """MAILBOXID: of this very mailbox through every RENAME, never of another one. No other object's begins with F."""
    return f"F{mailbox_id}"
