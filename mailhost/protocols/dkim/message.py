"""A message as signatures see it: header fields and hashes of its body (RFC 6376 sections 3.7 and 5.4.2).

Header and body part where the readers of this host part them (`mailhost.protocols.message.scanner`), at bare CRs
and LFs too: otherwise what a signature covers and what people see could be two different messages.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from mailhost.protocols.dkim.canonicalization import Canonicalization, body_in_form, field_in_form

# The same bounds as the scanner's. What is beyond cannot be overlooked: nothing passes then.
MAX_HEADER_OCTETS: Final = 1 << 20
MAX_FIELDS: Final = 10_000

_HEADER_BEGINS = re.compile(rb"[!-9;-~]++[ \t]*+:|[ \t\r\n]|>?From ")
# field-name %d33-57 / %d59-126 (RFC 5322 section 3.6.8), blanks before the colon (section 4.5), folded lines
_FIELD = re.compile(
    rb"(?<![^\r\n])([!-9;-~]++)[ \t]*+:([^\r\n]*+(?:(?:\r\n|\r|\n)[ \t][^\r\n]*+)*+(?:\r\n|\r|\n|\Z))"
)


class Field(NamedTuple):
    """name: in lower case. octets: all, with the line end. value: those behind the colon."""

    name: bytes
    octets: bytes
    value: bytes


class BodyHash(NamedTuple):
    """octets: how many of the body in its form were hashed. is_whole: that was all of them."""

    digest: bytes
    octets: int
    is_whole: bool


@dataclass(slots=True)
class SignedMessage:
    """fields: from top to bottom. body_start: an offset. is_too_large: there may be fields that are not in fields."""

    octets: bytes
    fields: list[Field]
    body_start: int
    is_too_large: bool
    _hashes: dict[tuple[Canonicalization, int | None], BodyHash] = field(default_factory=dict)
    _header_hashes: dict[tuple[str, ...], "hashlib._Hash"] = field(default_factory=dict)
    _by_name: dict[bytes, list[Field]] | None = None

    def body_hash(self, form: Canonicalization, length: int | None) -> BodyHash:
        """SHA-256 of the body, or of its first `length` octets; worked out once."""
        key = form, length
        if key not in self._hashes:
            self._hashes[key] = _hash(body_in_form(form, self.octets, self.body_start), length)
        return self._hashes[key]

    def header_hash(self, names: Sequence[str]) -> "hashlib._Hash":
        """SHA-256, begun with the fields picked by these names, relaxed; worked out once."""
        key = tuple(names)
        if key not in self._header_hashes:
            picked = self.picked(each.lower().encode("ascii") for each in names)
            forms = [field_in_form(Canonicalization.RELAXED, *each) for each in picked]
            self._header_hashes[key] = hashlib.sha256(b"".join(forms))
        return self._header_hashes[key].copy()

    def named(self, name: bytes) -> Sequence[Field]:
        """The fields of this name (in lower case), from top to bottom."""
        by_name = self._by_name
        if by_name is None:
            by_name = {}
            for each in self.fields:
                by_name.setdefault(each.name, []).append(each)
            self._by_name = by_name  # whole: of a large message several threads ask
        return by_name.get(name, ())

    def picked(self, names: Iterable[bytes], *, but: Field | None = None) -> list[Field]:
        """The fields for a list of names in lower case, each name the next one from the bottom (section 5.4.2).

        A name for which no field is left picks nothing. `but`: the signature's own field, which h= never means.
        """
        left: dict[bytes, list[Field]] = {}
        for each in self.fields:
            if each is not but:
                left.setdefault(each.name, []).append(each)
        return [left[name].pop() for name in names if left.get(name)]


def mentions_signatures(octets: bytes) -> bool:
    """False where the header has no field of DKIM or ARC. Quicker than to read it, for what is not signed."""
    body_start = _body_start(octets)
    header = octets[: min(body_start, MAX_HEADER_OCTETS)].lower()
    return body_start > MAX_HEADER_OCTETS or b"dkim-signature" in header or b"arc-" in header


def read_signed_message(octets: bytes) -> SignedMessage:
    """Never raises, whatever the octets."""
    body_start = _body_start(octets)
    end = min(body_start, MAX_HEADER_OCTETS)
    is_too_large = body_start > MAX_HEADER_OCTETS
    fields: list[Field] = []
    for found in _FIELD.finditer(octets, 0, end):
        if len(fields) == MAX_FIELDS:
            is_too_large = True
            break
        fields.append(Field(found[1].lower(), found[0], found[2]))
    return SignedMessage(octets, fields, body_start, is_too_large)


def _body_start(octets: bytes) -> int:
    if _HEADER_BEGINS.match(octets) is None:
        return 0
    if octets[0] in b"\r\n":
        return _behind_line_end(octets, 0)
    first = len(octets)
    for blank_line in (b"\n\r", b"\n\n", b"\r\r"):
        found = octets.find(blank_line, 0, first + 1)
        first = first if found < 0 else found
    return _behind_line_end(octets, first + 1) if first < len(octets) else first


def _behind_line_end(octets: bytes, at: int) -> int:
    return at + 2 if octets[at : at + 2] == b"\r\n" else at + 1


def _hash(pieces: Iterator[bytes | memoryview], length: int | None) -> BodyHash:
    hashing = hashlib.sha256()
    count = 0
    for piece in pieces:
        if length is not None and count + len(piece) > length:
            hashing.update(piece[: length - count])
            return BodyHash(hashing.digest(), length, is_whole=False)
        hashing.update(piece)
        count += len(piece)
    return BodyHash(hashing.digest(), count, is_whole=True)
