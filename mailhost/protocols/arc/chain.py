"""Validating a chain (RFC 8617 section 5.2), all at once with verify(), or in steps as DKIM's `verification`:

sets = find_sets(message, now=now)
if not isinstance(sets, ChainVerification):
    verification = check_chain(message, sets, {name: … for name in key_names(sets)})
"""

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mailhost.protocols.arc.sets import ArcSet, ChainHasFailed, MalformedChain, read_sets, sealed_form
from mailhost.protocols.dkim.canonicalization import Canonicalization
from mailhost.protocols.dkim.keys import PublicKey, TxtLookup, look_up_key
from mailhost.protocols.dkim.message import SignedMessage, read_signed_message
from mailhost.protocols.dkim.outcomes import Flaw, Result
from mailhost.protocols.dkim.signatures import Signature
from mailhost.protocols.dkim.verification import algorithm_flaw, flaw_with_key, flaw_without_key


class ChainStatus(enum.StrEnum):
    NONE = "none"  # there is no chain
    PASS = "pass"  # noqa: S105
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Sealer:
    """One hop. domain: d= of its seal, as A-labels. authentication_results: what it says it found: unfolded, raw."""

    instance: int
    domain: str
    selector: str
    authentication_results: bytes


@dataclass(frozen=True, slots=True)
class ChainVerification:
    """sealers: newest first; empty where the chain cannot be read. Only a PASS means that they said so.

    is_temporary: DNS had no answer, and later it may be different. has_ended: no set may be added, because there is
    one already that says the chain has failed (section 5.1.2).
    """

    status: ChainStatus
    reason: str
    sealers: tuple[Sealer, ...] = ()
    is_temporary: bool = False
    has_ended: bool = False


NO_CHAIN: Final = ChainVerification(ChainStatus.NONE, "The message has no ARC sets.")


async def verify(octets: bytes, *, txt: TxtLookup, now: datetime) -> ChainVerification:
    """What the message's chain is worth. One look-up after the other, each name once, and none once it has failed.

    octets: the message as it was received. Never raises, whatever the octets and records, but what txt raises beside
    its facts.
    """
    message = read_signed_message(octets)
    sets = find_sets(message, now=now)
    if isinstance(sets, ChainVerification):
        return sets
    keys: dict[str, PublicKey | Flaw] = {}
    for name in key_names(sets):
        keys[name] = await look_up_key(name, txt=txt)
        if isinstance(keys[name], Flaw) or (len(keys) == 1 and _message_flaw(message, sets[-1], keys[name])):
            break
    return check_chain(message, sets, keys)


def find_sets(message: SignedMessage, *, now: datetime) -> list[ArcSet] | ChainVerification:
    """The sets, oldest first; a ChainVerification where no key can change it."""
    if message.is_too_large:
        return ChainVerification(ChainStatus.FAIL, "The header is too large to be checked.", has_ended=True)
    try:
        sets = read_sets(message)
    except MalformedChain as error:
        return ChainVerification(ChainStatus.FAIL, str(error), has_ended=isinstance(error, ChainHasFailed))
    if not sets:
        return NO_CHAIN
    flaw = flaw_without_key(message, sets[-1].message_signature, now=now)
    for each in sets:
        flaw = flaw or each.seal.flaw(now=now)
    return _failed(sets, flaw) if flaw else sets


def key_names(sets: list[ArcSet]) -> list[str]:
    """Where the keys are that check_chain() needs, each once, the one that is needed first first."""
    names = [sets[-1].message_signature.key_name, *(each.seal.key_name for each in reversed(sets))]
    return list(dict.fromkeys(names))


def check_chain(
    message: SignedMessage, sets: list[ArcSet], keys: Mapping[str, PublicKey | Flaw]
) -> ChainVerification:
    """The outcome with what was found at key_names(). A name may be missing behind one that is a Flaw."""
    last = sets[-1]
    if flaw := _message_flaw(message, last, keys[last.message_signature.key_name]):
        return _failed(sets, flaw, "ARC-Message-Signature", last.instance)
    digests = _sealed_digests(sets)
    for each, digest in zip(reversed(sets), reversed(digests), strict=True):
        if flaw := _seal_flaw(each.seal, digest, keys[each.seal.key_name]):
            return _failed(sets, flaw, "ARC-Seal", each.instance)
    return ChainVerification(ChainStatus.PASS, "Every seal holds.", _sealers(sets))


def _message_flaw(message: SignedMessage, last: ArcSet, key: PublicKey | Flaw) -> Flaw | None:
    return key if isinstance(key, Flaw) else flaw_with_key(message, last.message_signature, key)


def _seal_flaw(seal: Signature, digest: bytes, key: PublicKey | Flaw) -> Flaw | None:
    """The flags of a key, testing and strict, say nothing of seals."""
    if isinstance(key, Flaw):
        return key
    if flaw := algorithm_flaw(seal, key):
        return flaw
    if not key.has_signed_digest(digest, seal.octets):
        return Flaw(Result.FAIL, "The sets are not what was sealed.")
    return None


def _sealed_digests(sets: list[ArcSet]) -> list[bytes]:
    """What each seal is over: all sets up to its own (section 5.1.1). In one pass, as there may be fifty."""
    hashing = hashlib.sha256()
    digests = []
    for each in sets:
        hashing.update(sealed_form(each.results_field))
        hashing.update(sealed_form(each.message_signature.field))
        own = hashing.copy()
        own.update(each.seal.field_to_hash(Canonicalization.RELAXED))
        digests.append(own.digest())
        hashing.update(sealed_form(each.seal.field))
    return digests


def _failed(sets: list[ArcSet], flaw: Flaw, title: str = "", instance: int = 0) -> ChainVerification:
    where = f"{title} with i={instance}: " if title else ""
    is_temporary = flaw.result is Result.TEMPERROR
    return ChainVerification(ChainStatus.FAIL, where + flaw.reason, _sealers(sets), is_temporary=is_temporary)


def _sealers(sets: list[ArcSet]) -> tuple[Sealer, ...]:
    return tuple(
        Sealer(each.instance, each.seal.domain, each.seal.selector, each.authentication_results)
        for each in reversed(sets)
    )
