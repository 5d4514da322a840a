"""Key records in DNS, and checking a signature with what they hold (RFC 6376 section 3.6, RFC 8301, RFC 8463).

A look-up gives a list of records, each as one: the strings of a TXT record joined with nothing between
(RFC 6376 section 3.6.2.2).
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from mailhost.protocols.dkim.outcomes import Flaw, Result
from mailhost.protocols.dkim.tag_lists import (
    Tags,
    TagSyntaxError,
    base64_octets,
    optional,
    parse_tags,
    required,
    word,
    words,
)
from mailhost.protocols.dns_facts import NotFound, TemporarilyUnavailable

TxtLookup = Callable[[str], Awaitable[Sequence[bytes]]]
"""The TXT records of a name; raises the facts of `mailhost.protocols.dns_facts`."""

REMEMBERED_OCTETS: Final = 2_048  # of all records of a name; larger ones are read each time
MIN_RSA_BITS: Final = 1024  # RFC 8301 section 3.2: shorter ones are never valid
MAX_RSA_BITS: Final = (
    8192  # the same section asks for 4096; far longer ones only cost the time of who verifies
)
ED25519_BITS: Final = 256
_SHA256 = Prehashed(SHA256())
_PADDING = PKCS1v15()


@dataclass(frozen=True, slots=True)
class PublicKey:
    """is_testing: t=y. is_strict: t=s, the domain of i= must be d= itself."""

    key: RSAPublicKey | Ed25519PublicKey
    bits: int
    is_testing: bool = False
    is_strict: bool = False

    @property
    def algorithm(self) -> str:
        """The value of a= that this key is for."""
        return "rsa-sha256" if isinstance(self.key, RSAPublicKey) else "ed25519-sha256"

    def has_signed(self, octets: bytes, signature: bytes) -> bool:
        """Whether signature is one of octets. Ed25519 too signs their hash (RFC 8463 section 3)."""
        digest = hashlib.sha256(octets).digest()
        return self.has_signed_digest(digest, signature)

    def has_signed_digest(self, digest: bytes, signature: bytes) -> bool:
        """The same for octets of which this is the SHA-256."""
        try:
            if isinstance(self.key, RSAPublicKey):
                self.key.verify(signature, digest, _PADDING, _SHA256)
            else:
                self.key.verify(signature, digest)
        except InvalidSignature:
            return False
        return True


async def look_up_key(name: str, *, txt: TxtLookup) -> PublicKey | Flaw:
    """The key at selector._domainkey.domain. Raises nothing but what txt does beside its facts."""
    try:
        records = await txt(name)
    except NotFound:
        return Flaw(Result.PERMERROR, f"There is no key at {name}.")
    except TemporarilyUnavailable:
        return Flaw(Result.TEMPERROR, f"The key at {name} could not be looked up.")
    return choose_key(records, name=name)


def choose_key(records: Sequence[bytes], *, name: str) -> PublicKey | Flaw:
    """The key in the records of a name.

    Other records may stand beside it, from a wildcard; what two keys mean is undefined (section 3.6.2.2).
    """
    if sum(map(len, records)) > REMEMBERED_OCTETS:
        return _choose(tuple(records), name)
    return _choose_once(tuple(records), name)


def _choose(records: tuple[bytes, ...], name: str) -> PublicKey | Flaw:
    found: list[Tags] = []
    complaint = f"There is no key at {name}."
    for record in records:
        try:
            tags = parse_tags(record)
            _check_version(tags)
            required(tags, "p")
        except TagSyntaxError as error:
            complaint = f"The record at {name} is no key: {error}"
            continue
        found.append(tags)
    if len(found) > 1:
        return Flaw(Result.PERMERROR, f"There are several keys at {name}.")
    if not found:
        return Flaw(Result.PERMERROR, complaint)
    try:
        return _read_key(found[0], name)
    except TagSyntaxError as error:
        return Flaw(Result.PERMERROR, f"The key at {name} cannot be read: {error}")


# The same keys come again and again, and OpenSSL takes as long to load one as to check a signature with it.
_choose_once = lru_cache(maxsize=2_000)(_choose)


def _check_version(tags: Tags) -> None:
    """v= may be left out, but stands first and says DKIM1 (section 3.6.1)."""
    if "v" in tags and (next(iter(tags)) != "v" or tags["v"].value != b"DKIM1"):
        raise TagSyntaxError("It does not begin with v=DKIM1.")


def _read_key(tags: Tags, name: str) -> PublicKey | Flaw:
    if not tags["p"].value:
        return Flaw(Result.PERMERROR, f"The key at {name} was revoked.")
    if "h" in tags and "sha256" not in words(tags["h"].value):
        return Flaw(Result.PERMERROR, f"The key at {name} is not for SHA-256.")
    if not {"*", "email"} & set(words(optional(tags, "s", b"*"))):
        return Flaw(Result.PERMERROR, f"The key at {name} is not for mail.")
    flags = words(optional(tags, "t", b""))
    key = _load(word(optional(tags, "k", b"rsa")), base64_octets(tags["p"].value, "p"))
    bits = key.key_size if isinstance(key, RSAPublicKey) else ED25519_BITS
    if isinstance(key, RSAPublicKey) and not MIN_RSA_BITS <= bits <= MAX_RSA_BITS:
        return Flaw(Result.POLICY, f"The RSA key at {name} has {bits} bits.")
    return PublicKey(key, bits, is_testing="y" in flags, is_strict="s" in flags)


def _load(kind: str, octets: bytes) -> RSAPublicKey | Ed25519PublicKey:
    """RSA as SubjectPublicKeyInfo, which is in use, or as RSAPublicKey, which the RFC names (its erratum 3017)."""
    if kind not in {"rsa", "ed25519"}:
        raise TagSyntaxError("Its type is neither rsa nor ed25519.")
    try:
        key = Ed25519PublicKey.from_public_bytes(octets) if kind == "ed25519" else load_der_public_key(octets)
    except (ValueError, UnsupportedAlgorithm):
        raise TagSyntaxError(f"It holds no {kind} key.") from None
    if not isinstance(key, RSAPublicKey | Ed25519PublicKey) or (kind == "rsa") != isinstance(
        key, RSAPublicKey
    ):
        raise TagSyntaxError(f"It holds no {kind} key.")
    return key
