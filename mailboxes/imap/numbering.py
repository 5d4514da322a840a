"""Which commands name messages by sequence number: after ENABLE UIDONLY they are refused (RFC 9586 section 3)."""

from mailboxes.imap.finding import names_numbers
from mailhost.protocols.imap.commands import Command, Select


def is_by_number(command: Command) -> bool:
    """FETCH, STORE, COPY and their kin, search keys with numbers in them, and QRESYNC's sequence match data."""
    if isinstance(command, Select):
        return command.resync is not None and bool(command.resync.known_pairs)
    if not getattr(command, "by_uid", True):
        return True
    key = getattr(command, "key", None)
    return key is not None and names_numbers(key)
