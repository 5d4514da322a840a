"""DKIM-Signature fields, parsed (RFC 6376 section 3.5), and what they have in common with ARC's."""

import base64
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mailhost.protocols.dkim.canonicalization import Canonicalization, field_in_form, without_line_end
from mailhost.protocols.dkim.message import Field
from mailhost.protocols.dkim.names import domain_of, identity_of, is_at_or_below, key_name, selector_of
from mailhost.protocols.dkim.outcomes import Flaw, Result
from mailhost.protocols.dkim.tag_lists import (
    Tags,
    TagSyntaxError,
    base64_octets,
    number,
    optional,
    parse_tags,
    required,
    word,
    words,
)

MAX_FIELD_OCTETS: Final = 65_536  # real ones have a thousand, with z= some thousands
MAX_NAMES: Final = 1_000  # in h=: each may pick a field, which is to be hashed; real ones have dozens
CLOCK_SKEW: Final = timedelta(hours=1)  # clocks of other hosts are wrong, by a summer time at most
ALGORITHMS: Final = frozenset(("rsa-sha256", "ed25519-sha256"))
REFUSED_ALGORITHMS: Final = frozenset(("rsa-sha1",))  # RFC 8301 section 3.1
_ALGORITHM = re.compile(r"[a-z0-9-]{1,64}")
_FIELD_NAME = re.compile(r"[!-9;-~]+")


@dataclass(frozen=True, slots=True)
class Signature:
    """What every kind of signature says. domain, selector: A-labels. signed_at, expires_at: seconds since 1970."""

    field: Field
    tags: Tags
    algorithm: str
    domain: str
    selector: str
    octets: bytes
    signed_at: int | None
    expires_at: int | None

    @property
    def key_name(self) -> str:
        """The name whose TXT record has the key."""
        return key_name(self.domain, self.selector)

    def field_to_hash(self, form: Canonicalization) -> bytes:
        """Its own field, with b= empty and no line end (section 3.7)."""
        tag = self.tags["b"]
        before = self.field.octets[: len(self.field.octets) - len(self.field.value)]
        value = self.field.value[: tag.start] + self.field.value[tag.end :]
        return without_line_end(field_in_form(form, self.field.name, before + value, value))

    def flaw(self, *, now: datetime) -> Flaw | None:
        """What is wrong with it whatever the key: its algorithm, its time."""
        if self.algorithm in REFUSED_ALGORITHMS:
            return Flaw(Result.POLICY, f"Signatures by {self.algorithm} are not relied on any more.")
        if self.algorithm not in ALGORITHMS:
            return Flaw(Result.NEUTRAL, "The algorithm is not known here.")
        moment, skew = now.timestamp(), CLOCK_SKEW.total_seconds()
        if self.expires_at is not None and self.expires_at < moment - skew:
            return Flaw(Result.PERMERROR, "The signature has expired.")
        if self.signed_at is not None and self.signed_at > moment + skew:
            return Flaw(Result.PERMERROR, "The signature is of a time that is still to come.")
        return None


@dataclass(frozen=True, slots=True)
class MessageSignature(Signature):
    """A signature of header and body: DKIM's, and ARC-Message-Signature."""

    header_form: Canonicalization
    body_form: Canonicalization
    names: tuple[bytes, ...]
    body_hash: bytes
    body_length: int | None
    identity: str
    identity_domain: str


def parse_signature(field: Field) -> MessageSignature:
    """A DKIM-Signature field; TagSyntaxError."""
    tags = tags_of(field)
    if required(tags, "v") != b"1":
        raise TagSyntaxError("Its version is not 1.")
    return message_signature(field, tags)


def tags_of(field: Field) -> Tags:
    """The tags of a signature's field; TagSyntaxError."""
    if len(field.octets) > MAX_FIELD_OCTETS:
        raise TagSyntaxError(f"It is longer than {MAX_FIELD_OCTETS} octets.")
    return parse_tags(field.value)


def signature(field: Field, tags: Tags) -> Signature:
    """The part that every kind has; TagSyntaxError."""
    octets = base64_octets(required(tags, "b"), "b")
    if not octets:
        raise TagSyntaxError("The tag b= is empty.")
    signed_at, expires_at = number(tags, "t"), number(tags, "x")
    if signed_at is not None and expires_at is not None and expires_at <= signed_at:
        raise TagSyntaxError("It expires before it was made.")
    domain, selector = domain_of(required(tags, "d")), selector_of(required(tags, "s"))
    key_name(domain, selector)
    algorithm = word(required(tags, "a"))
    if _ALGORITHM.fullmatch(algorithm) is None:
        raise TagSyntaxError("The tag a= is no name of an algorithm.")
    return Signature(field, tags, algorithm, domain, selector, octets, signed_at, expires_at)


def message_signature(field: Field, tags: Tags, *, has_identity: bool = True) -> MessageSignature:
    """One of header and body. In ARC i= is no identity; TagSyntaxError."""
    common = signature(field, tags)
    header_form, body_form = _forms(optional(tags, "c", b"simple/simple"))
    if "dns/txt" not in words(optional(tags, "q", b"dns/txt")):
        raise TagSyntaxError("Its key is not in DNS.")
    identity = identity_domain = ""
    if has_identity:
        identity, identity_domain = identity_of(optional(tags, "i", b"@" + common.domain.encode("ascii")))
        if not is_at_or_below(identity_domain, common.domain):
            raise TagSyntaxError("The identity is of another domain.")
    return MessageSignature(
        field=field,
        tags=tags,
        algorithm=common.algorithm,
        domain=common.domain,
        selector=common.selector,
        octets=common.octets,
        signed_at=common.signed_at,
        expires_at=common.expires_at,
        header_form=header_form,
        body_form=body_form,
        names=_names(required(tags, "h")),
        body_hash=base64_octets(required(tags, "bh"), "bh"),
        body_length=number(tags, "l"),
        identity=identity,
        identity_domain=identity_domain,
    )


def signature_start(octets: bytes) -> str:
    """The first eight characters of b= (RFC 6008)."""
    return base64.b64encode(octets[:6]).decode("ascii")


def _forms(value: bytes) -> tuple[Canonicalization, Canonicalization]:
    header, _, body = word(value).partition("/")
    try:
        return Canonicalization(header), Canonicalization(body or "simple")
    except ValueError:
        raise TagSyntaxError("Its canonicalization is not known here.") from None


def _names(value: bytes) -> tuple[bytes, ...]:
    """h=, in lower case; From must be among them (section 5.4)."""
    if value.count(b":") >= MAX_NAMES:
        raise TagSyntaxError(f"The tag h= has more than {MAX_NAMES} names.")
    names = words(value)
    if not all(_FIELD_NAME.fullmatch(name) for name in names):
        raise TagSyntaxError("The tag h= is no list of field names.")
    if "from" not in names:
        raise TagSyntaxError("It does not cover From.")
    return tuple(name.encode("ascii") for name in names)
