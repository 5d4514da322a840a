"""ARC sets as they stand in a header: found, numbered, parsed (RFC 8617 sections 4.1 and 4.2)."""

import re
from dataclasses import dataclass
from typing import Final

from mailhost.protocols.dkim.canonicalization import Canonicalization, field_in_form
from mailhost.protocols.dkim.message import Field, SignedMessage
from mailhost.protocols.dkim.signatures import (
    MessageSignature,
    Signature,
    message_signature,
    signature,
    tags_of,
)
from mailhost.protocols.dkim.tag_lists import TagSyntaxError, optional, required, word

MAX_SETS: Final = 50  # section 4.2.1: more are a failure

AUTHENTICATION_RESULTS: Final = b"arc-authentication-results"
MESSAGE_SIGNATURE: Final = b"arc-message-signature"
SEAL: Final = b"arc-seal"
_NAMES: Final = (AUTHENTICATION_RESULTS, MESSAGE_SIGNATURE, SEAL)
# instance = [CFWS] %s"i" [CFWS] "=" [CFWS] instance-value; nobody is known to write comments there
_RESULTS = re.compile(rb"[ \t\r\n]*+i[ \t\r\n]*+=[ \t\r\n]*+([0-9]{1,3})[ \t\r\n]*+;")
_INSTANCE = re.compile(rb"[0-9]{1,3}")
_LINE_END = re.compile(rb"\r\n|\r|\n")


class MalformedChain(Exception):
    """These fields are no chain that can pass (section 5.2, step 3); the text is a sentence for people."""


class ChainHasFailed(MalformedChain):
    """The last seal says that it had failed before."""


@dataclass(frozen=True, slots=True)
class ArcSet:
    """One hop's three fields. authentication_results: what it says it found, unfolded, as it stands behind i=.

    validation: cv=, what it says of the chain before it.
    """

    instance: int
    results_field: Field
    authentication_results: bytes
    message_signature: MessageSignature
    seal: Signature
    validation: str


def instances(message: SignedMessage) -> list[int]:
    """The numbers that any field of ARC bears, right or wrong ones, in no order; fields without one do not count."""
    return [number for field in _fields(message) if (number := _instance_or_none(field)) is not None]


def read_sets(message: SignedMessage) -> list[ArcSet]:
    """The chain, oldest first; empty where there is none. Raises MalformedChain."""
    fields = _fields(message)
    if not fields:
        return []
    _check_last(fields)
    by_place: dict[tuple[int, bytes], Field] = {}
    for field in fields:
        number = _instance_or_none(field)
        if number is None:
            raise MalformedChain(f"An {_title(field.name)} has no instance.")
        if (number, field.name) in by_place:
            raise MalformedChain(f"There are two {_title(field.name)} with i={number}.")
        by_place[number, field.name] = field
    count = max(number for number, _ in by_place)
    if count > MAX_SETS:
        raise MalformedChain(f"There are more than {MAX_SETS} sets.")
    for number in range(1, count + 1):
        for name in _NAMES:
            if (number, name) not in by_place:
                raise MalformedChain(f"There is no {_title(name)} with i={number}.")
    if len(by_place) != count * len(_NAMES):
        raise MalformedChain("There is a set with i=0.")
    return [
        _parse_set(number, *(by_place[number, name] for name in _NAMES)) for number in range(1, count + 1)
    ]


def sealed_form(field: Field) -> bytes:
    """A field as it goes into a seal: always relaxed (section 5.1.1)."""
    return field_in_form(Canonicalization.RELAXED, *field)


def _fields(message: SignedMessage) -> list[Field]:
    return [field for field in message.fields if field.name in _NAMES]


def _instance_or_none(field: Field) -> int | None:
    if field.name == AUTHENTICATION_RESULTS:
        found = _RESULTS.match(field.value)
        return int(found[1]) if found else None
    try:
        value = required(tags_of(field), "i")
    except TagSyntaxError:
        return None
    return int(value) if _INSTANCE.fullmatch(value) else None


def _check_last(fields: list[Field]) -> None:
    """Section 5.2, step 2: where the last seal says fail, nothing else matters."""
    seals = [
        (number, field) for field in fields if field.name == SEAL and (number := _instance_or_none(field))
    ]
    last = max((number for number, _ in seals), default=0)
    for number, field in seals:
        if number == last and optional(tags_of(field), "cv", b"").lower() == b"fail":
            raise ChainHasFailed("The last seal says that the chain had failed before it.")


def _parse_set(number: int, results: Field, signed: Field, sealed: Field) -> ArcSet:
    try:
        message_part = message_signature(signed, tags_of(signed), has_identity=False)
        tags = tags_of(sealed)
        seal = signature(sealed, tags)
        validation = word(required(tags, "cv"))
    except TagSyntaxError as error:
        raise MalformedChain(f"The set with i={number} cannot be read: {error}") from None
    if SEAL in message_part.names:
        raise MalformedChain(f"The ARC-Message-Signature with i={number} covers a seal.")  # section 4.1.2
    if "h" in tags:
        raise MalformedChain(f"The ARC-Seal with i={number} has h=.")  # section 4.1.3
    if validation != ("none" if number == 1 else "pass"):
        raise MalformedChain(f"The ARC-Seal with i={number} says cv={validation[:8]}.")
    found = _RESULTS.match(results.value)
    told = results.value[found.end() :] if found else results.value
    return ArcSet(number, results, _LINE_END.sub(b"", told).strip(b" \t"), message_part, seal, validation)


def _title(name: bytes) -> str:
    return "ARC-" + "-".join(part.capitalize() for part in name.decode("ascii").split("-")[1:])
