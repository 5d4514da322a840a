"""The changes that a milter asks for, carried out on the header of a message, in their order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mailhost.protocols.milter.answers import FieldAdded, FieldChanged, HeaderChange
from mailhost.protocols.smtp.header import begins_with_a_field, header_end, scan_fields

MAX_CHANGES: Final = 200  # by one milter, of one message
MAX_CHANGED_OCTETS: Final = 65_536


@dataclass(slots=True)
class _Entry:
    """One field as it stands, or lines that are none (name b"")."""

    name: bytes
    octets: bytes


def apply_changes(octets: bytes, changes: Sequence[HeaderChange]) -> bytes:
    """The message with these changes; all other octets as they were."""
    if not changes:
        return octets
    end = header_end(octets) if begins_with_a_field(octets) else 0
    entries = _entries(octets[:end])
    for change in changes:
        if isinstance(change, FieldAdded):
            _add(entries, change)
        else:
            _change(entries, change)
    header = b"".join(entry.octets for entry in entries)
    rest = octets[end:]
    if end == 0 and header and rest[:1] not in (b"\r", b"\n"):
        header += b"\r\n"  # there was no header: its first line of text would look like a field
    return header + rest


def _entries(header: bytes) -> list[_Entry]:
    entries, position = list[_Entry](), 0
    for field in scan_fields(header):
        if field.start > position:
            entries.append(_Entry(b"", header[position : field.start]))
        entries.append(_Entry(field.name, header[field.start : field.end]))
        position = field.end
    if position < len(header):
        entries.append(_Entry(b"", header[position:]))
    if entries and not entries[-1].octets.endswith(b"\n"):
        entries[-1].octets += b"\r\n"  # all of the message is its header, and its last line has no end
    return entries


def _add(entries: list[_Entry], change: FieldAdded) -> None:
    entry = _Entry(change.name.lower(), _field(change.name, change.value))
    if change.index is None:
        entries.append(entry)
    else:
        entries.insert(change.index, entry)


def _change(entries: list[_Entry], change: FieldChanged) -> None:
    named = [place for place, entry in enumerate(entries) if entry.name == change.name.lower()]
    if change.index > len(named):
        if change.value:  # as sendmail has it: one that is not there is added
            _add(entries, FieldAdded(change.name, change.value))
        return
    place = named[change.index - 1]
    if change.value:
        entries[place].octets = _field(change.name, change.value)
    else:
        del entries[place]


def _field(name: bytes, value: bytes) -> bytes:
    blank = b"" if value[:1] in (b" ", b"\t") else b" "
    return name + b":" + blank + value + b"\r\n"
