"""A header in UTF-8 (RFC 6532) for a client that did not ask for UTF-8: simplified downgrading (RFC 6858).

What people read stays readable as encoded words (RFC 2047); an address that no ASCII client can answer becomes one
that nobody can. The body is left alone: it says by itself what it is in. So is a header in raw 8-bit that is not UTF-8,
which no RFC knows and every client guesses at.
"""

import re

from mailhost.protocols.message.address_list import GROUP_END, ListedAddress, parse_address_list
from mailhost.protocols.message.composing import encode_words
from mailhost.protocols.message.header import change_fields
from mailhost.protocols.message.text import decode_words, one_line

ADDRESS_FIELDS = frozenset(
    b"from sender reply-to to cc bcc resent-from resent-sender resent-reply-to resent-to resent-cc resent-bcc".split()
)
MIME_FIELDS = frozenset(b"content-type content-disposition content-description".split())
INVALID = "<invalid@internationalized-address.invalid>"  # section 2.1: nobody must be able to answer there
MAX_HEADER_OCTETS = 256 * 1024  # real ones have under 100 KB; a longer one goes out as it is
MAX_ADDRESSES = 2_000  # of one field
MAX_CHARACTERS = 10_000

_EMPTY_LINE = re.compile(rb"\A(?:\r\n|\r|\n)|(?:\r\n|\n|\r(?!\n))(?:\r\n|\r|\n)")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+")


def downgrade_header(header: bytes) -> bytes:
    """The header with its fields in ASCII; the same object where nothing is to be done."""
    if header.isascii():
        return header
    try:
        header.decode()
    except UnicodeDecodeError:
        return header
    return change_fields(header, _change)


def _change(name: bytes, value: bytes, field: bytes) -> bytes:
    if field.isascii():
        return field
    text = _downgraded(name, value)
    return b"" if text is None else b"%b: %b\r\n" % (field[: len(name)], text.encode("ascii", "replace"))


def _downgraded(name: bytes, value: bytes) -> str | None:
    """The field's new value. None: it is left out, as section 2.4 says of all other fields."""
    if name == b"subject":
        return encode_words(one_line(decode_words(value), limit=MAX_CHARACTERS))
    if name in ADDRESS_FIELDS:
        return _addresses(parse_address_list(value)[:MAX_ADDRESSES])
    if name in MIME_FIELDS:
        # Section 2.2: parameters lose what is not ASCII. The boundary has nothing else.
        return value.decode("utf-8", "replace").encode("ascii", "replace").decode("ascii")
    return None


def _addresses(addresses: list[ListedAddress]) -> str:
    written: list[str] = []
    is_first = True  # of the list, or of a group
    for address in addresses:
        if address == GROUP_END:
            written.append(";")
            is_first = False
            continue
        written.append("" if is_first else ",\r\n ")
        is_first = address.host is None
        written.append(f"{_phrase(address.mailbox or b'')}: " if is_first else _address(address))
    return "".join(written)


def _address(address: ListedAddress) -> str:
    local, host = address.mailbox or b"", address.host or b""
    if not (local + host).isascii():
        said = one_line(decode_words(b"%b %b@%b" % (address.name or b"", local, host)), limit=MAX_CHARACTERS)
        return f"{encode_words(said)} {INVALID}"
    text = local.decode("ascii")
    text = text if _DOT_ATOM.fullmatch(text) else _quoted(text)
    name = f"{_phrase(address.name)} " if address.name else ""
    return f"{name}<{text}@{host.decode('ascii')}>"


def _phrase(name: bytes) -> str:
    if not name.isascii():
        return encode_words(one_line(decode_words(name), limit=MAX_CHARACTERS))
    text = name.decode("ascii")
    return text if _ATOMS.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class HeaderDowngrader:
    """downgrade_header over a message that comes in pieces: feed() each, then finish()."""

    __slots__ = ("_held", "_is_done")

    def __init__(self) -> None:
        self._held = b""
        self._is_done = False

    def feed(self, octets: bytes) -> bytes:
        """What can be told so far: nothing before the header is whole."""
        if self._is_done:
            return octets
        self._held += octets
        end = _EMPTY_LINE.search(self._held)
        # A CR at the very end may be half of a CRLF.
        if end is None or (end.end() == len(self._held) and self._held.endswith(b"\r")):
            return self.finish() if len(self._held) > MAX_HEADER_OCTETS else b""
        self._is_done = True
        held, self._held = self._held, b""
        if end.end() > MAX_HEADER_OCTETS:
            return held
        return downgrade_header(held[: end.end()]) + held[end.end() :]

    def finish(self) -> bytes:
        """The rest: a message that ended within its header, or a header too long to look at."""
        self._is_done = True
        held, self._held = self._held, b""
        return held if len(held) > MAX_HEADER_OCTETS else downgrade_header(held)


def downgraded(octets: bytes) -> bytes:
    """A whole message with its header downgraded; the same object where nothing is to be done."""
    if octets.isascii():
        return octets
    downgrader = HeaderDowngrader()
    return downgrader.feed(octets) + downgrader.finish()
