"""What an attached report is packed in: nothing, gzip (RFC 1952) or a zip archive of one file, in bounded memory.

Anybody may send a report, so that nothing is believed of what an archive says of itself: octets are counted as they
come out.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

CHUNK_OCTETS: Final = 65_536
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_ZIP_END: Final = struct.Struct("<4s4H2LH")  # end of central directory: 22 octets
_ZIP_ENTRY: Final = struct.Struct("<4s6H3L5H2L")  # in the central directory: 46 octets
_ZIP_LOCAL: Final = struct.Struct("<4s5H3L2H")  # before the octets of a file: 30
_MAX_ZIP_COMMENT: Final = 65_535
_STORED, _DEFLATED, _ENCRYPTED = 0, 8, 1


class ReportUnreadable(ValueError):
    """It cannot be read, or is not to be; the message is a sentence for people."""


@dataclass(frozen=True, slots=True)
class PackingLimits:
    """ratio: how many octets may come out of one, beyond ratio_free octets. Real reports stay below 60."""

    packed_octets: int = 10_000_000
    unpacked_octets: int = 100_000_000
    ratio: int = 200
    ratio_free: int = 1_000_000


def unpack(octets: bytes, *, limits: PackingLimits) -> Iterator[bytes]:
    """The report in pieces, none above CHUNK_OCTETS. ReportUnreadable, at any piece."""
    if len(octets) > limits.packed_octets:
        raise ReportUnreadable("The attachment is too large for a report.")
    count = 0
    most = min(limits.unpacked_octets, max(limits.ratio_free, limits.ratio * len(octets)))
    for piece in _pieces(octets):
        count += len(piece)
        if count > most:
            raise ReportUnreadable("The report is too large once it is unpacked.")
        yield piece


def _pieces(octets: bytes) -> Iterator[bytes]:
    if octets.startswith(_GZIP):
        return _inflate(octets, wbits=31)
    if octets.startswith(_ZIP):
        method, packed = _only_file(octets)
        return _inflate(packed, wbits=-15) if method == _DEFLATED else _cut(packed)
    return _cut(octets)


def _cut(octets: bytes) -> Iterator[bytes]:
    for start in range(0, len(octets), CHUNK_OCTETS):
        yield octets[start : start + CHUNK_OCTETS]


def _inflate(octets: bytes, *, wbits: int) -> Iterator[bytes]:
    """The first stream alone: a report has one, and what follows it may be padding."""
    inflater = zlib.decompressobj(wbits)
    for start in range(0, len(octets), CHUNK_OCTETS):
        held = octets[start : start + CHUNK_OCTETS]
        while held and not inflater.eof:
            try:
                yield inflater.decompress(held, CHUNK_OCTETS)
            except zlib.error as error:
                raise ReportUnreadable("The archive is damaged.") from error
            held = inflater.unconsumed_tail
        if inflater.eof:
            return
    # What the inflater still holds: nothing more than a chunk comes out for each octet that went in.
    while not inflater.eof:
        try:
            piece = inflater.decompress(b"", CHUNK_OCTETS)
        except zlib.error as error:
            raise ReportUnreadable("The archive is damaged.") from error
        if not piece:
            raise ReportUnreadable("The archive ends too early.")
        yield piece


def _only_file(octets: bytes) -> tuple[int, bytes]:
    """(method, packed octets) of the one file of a zip archive."""
    at = octets.rfind(b"PK\x05\x06", max(0, len(octets) - _ZIP_END.size - _MAX_ZIP_COMMENT))
    try:
        _, _, _, _, files, _, directory, _ = _ZIP_END.unpack_from(octets, max(at, 0))
        if at < 0 or files != 1:
            raise ReportUnreadable("The archive does not hold exactly one file.")
        entry = _ZIP_ENTRY.unpack_from(octets, directory)
        flags, method, packed_octets, local = entry[3], entry[4], entry[8], entry[16]
        head = _ZIP_LOCAL.unpack_from(octets, local)
    except struct.error as error:
        raise ReportUnreadable("The archive is damaged.") from error
    if entry[0] != b"PK\x01\x02" or head[0] != _ZIP:
        raise ReportUnreadable("The archive is damaged.")
    if flags & _ENCRYPTED or method not in {_STORED, _DEFLATED}:
        raise ReportUnreadable("The archive is encrypted, or packed in a way that is not known here.")
    start = local + _ZIP_LOCAL.size + head[9] + head[10]
    return method, octets[start : start + packed_octets]
