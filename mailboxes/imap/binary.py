"""BINARY[…]: a part's octets without its content-transfer-encoding (RFC 3516)."""

from collections.abc import Iterator

from mailboxes.imap.sections import clip
from mailboxes.store import structure
from mailhost.protocols.imap.fetch_items import Binary
from mailhost.protocols.imap.responses import literal, literal8
from mailhost.protocols.message import Kind, PartMap, PartOffsets
from mailhost.protocols.message.header import read_fields
from mailhost.protocols.message.transfer_decoding import Decoder, decoder_for

PIECE_OCTETS = 1 << 19


def place_of(item: Binary, parts: bytes) -> PartOffsets | None:
    """The part that the item means; None where there is no such part."""
    return PartMap.unpack(parts).find(item.part)


def body_span(item: Binary, place: PartOffsets) -> tuple[int, int]:
    """Where its encoded octets lie. BINARY[] is the whole message, as BODY[] is."""
    return (place.body_start if item.part else place.header_start), place.body_end


def header_span(item: Binary, place: PartOffsets) -> tuple[int, int] | None:
    """Where the header lies that names the encoding; None where there is nothing to decode.

    A multipart or message/rfc822 has no encoding but the identity (RFC 2045 section 6.4), nor has a message as a
    whole: its header goes with it, and would not tell the truth any more.
    """
    if not item.part or place.kind is not Kind.LEAF:
        return None
    return place.header_start, min(place.body_start, place.header_start + structure.limits().header_octets)


def decoder_of(header: bytes) -> Decoder | None:
    """For the part with this header; None where it has an encoding that nobody knows."""
    if (
        b"content-transfer-encoding" not in header.lower()
    ):  # most headers are long, and most texts are not encoded
        return decoder_for(b"")
    fields = read_fields(header, 0, len(header), max_fields=structure.limits().header_fields)
    return decoder_for(fields.get(b"content-transfer-encoding", [b""])[0])


def is_decodable(item: Binary, octets: bytes, parts: bytes) -> bool:
    """Whether its encoding is one that is known, or there is nothing to decode."""
    place = place_of(item, parts)
    span = header_span(item, place) if place is not None else None
    return span is None or decoder_of(octets[span[0] : span[1]]) is not None


def binary_text(item: Binary, octets: bytes, parts: bytes) -> bytes:
    """What the response tells of a decodable item: a size, a literal, or NIL where there is no such part."""
    place = place_of(item, parts)
    if place is None:
        return b"0" if item.is_size else b"NIL"
    start, end = body_span(item, place)
    span = header_span(item, place)
    decoder = decoder_of(octets[span[0] : span[1]]) if span is not None else None
    decoded = octets[start:end] if decoder is None else b"".join(_decode(decoder, octets, start, end))
    if item.is_size:
        return b"%d" % len(decoded)
    start, end = clip(0, len(decoded), item.partial)
    return literal_of(decoded[start:end])


def literal_of(octets: bytes) -> bytes:
    """literal, or literal8 for what holds a NUL (RFC 3516 section 4.3)."""
    return literal8(octets) if b"\0" in octets else literal(octets)


def _decode(decoder: Decoder, octets: bytes, start: int, end: int) -> Iterator[bytes]:
    for at in range(start, end, PIECE_OCTETS):
        yield decoder.feed(octets[at : min(at + PIECE_OCTETS, end)])
    yield decoder.end()
