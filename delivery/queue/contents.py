"""The octets of a queued message, ready to be sent."""

import re
from collections.abc import Collection
from typing import Final

from delivery.relay.forms import Octets
from mailhost.net.database import cursor
from mailhost.protocols.lines import to_crlf
from mailhost.protocols.message.seven_bit import to_seven_bit
from mailhost.protocols.message.without_binary import without_binary

READ: Final = b"SELECT id, octets FROM mailboxes_content WHERE id = ANY(%s::bigint[])"
# The content is shared with local copies. RFC 5321 section 4.4: what is sent on carries no Return-Path.
_RETURN_PATH = re.compile(rb"return-path:[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE)


def as_lines(octets: bytes, *, is_binary: bool) -> bytes:
    """The message as DATA carries it, with CRLF alone for line ends. Raises CannotConvert.

    is_binary: it came with BODY=BINARYMIME, so its bare CR and LF are no line ends (RFC 3030 section 3).
    """
    return to_crlf(without_binary(octets) if is_binary else octets)


def in_form(kept: bytes, octets: Octets, *, is_binary: bool) -> tuple[bytes, Octets]:
    """What is kept, converted where it has to be, and as what that can be signed: two forms of it may be the same.

    Raises CannotConvert.
    """
    if octets is Octets.AS_THEY_ARE:
        return kept, octets
    lines = as_lines(kept, is_binary=is_binary)
    if octets is Octets.LINES or lines.isascii():
        return lines, Octets.LINES
    return to_seven_bit(lines), octets


def read_octets(*, content_ids: Collection[int]) -> dict[int, bytes]:
    """The messages as they are kept; without those whose content is gone."""
    with cursor() as sql:
        return {row[0]: _sent_on(row[1]) for row in sql.execute(READ, (list(content_ids),))}


def _sent_on(octets: bytes) -> bytes:
    match = _RETURN_PATH.match(octets)
    return octets[match.end() :] if match else octets
