"""Recipients that only the envelope knows, written into the sender's own text as Bcc (RFC 5322 section 3.6.3): whoever
goes on with it is to find all that it was for.
"""

from collections.abc import Iterable
from typing import Final

from mailboxes.store import structure
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress
from mailhost.protocols.message.reading import read_message
from mailhost.protocols.smtp.header import header_end

MAX_HIDDEN: Final = 1_000  # of more it is a list server's business to know


def with_hidden(octets: bytes, forward_paths: Iterable[str]) -> bytes:
    """The message with a Bcc of those that neither To nor Cc name; the same octets where there are none."""
    header = octets[: header_end(octets)]
    read = read_message(header + b"\r\n", limits=structure.limits())
    named = {_key(each.address) for each in (*read.to, *read.cc)}
    hidden = [path for path in forward_paths if _key(path) not in named]
    if not 0 < len(hidden) <= MAX_HIDDEN:
        return octets
    listed = ",\r\n ".join(hidden)
    return f"Bcc: {listed}\r\n".encode() + octets


def _key(address: str) -> tuple[str, str]:
    try:
        return EmailAddress.parse(address, is_lenient=True).key
    except AddressSyntaxError:
        return address, ""
