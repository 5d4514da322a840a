"""Adding an ARC set to a message that is passed on (RFC 8617 section 5.1)."""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from mailhost.protocols.arc.chain import ChainStatus, ChainVerification
from mailhost.protocols.arc.sets import MAX_SETS, ArcSet, MalformedChain, instances, read_sets, sealed_form
from mailhost.protocols.dkim.message import Field, SignedMessage, read_signed_message
from mailhost.protocols.dkim.signing import (
    OVERSIGNED,
    SIGNED,
    PrivateKey,
    algorithm_of,
    oversigned_names,
    present_names,
    seconds,
    sign_digest,
    sign_message,
)
from mailhost.protocols.lines import to_crlf

# Section 4.1.2: DKIM's signatures too, never a seal, nor Authentication-Results, which others take out.
ALSO_SIGNED: Final = (*SIGNED, "DKIM-Signature")
_NOT_FOLDED = re.compile(rb"\r\n(?![ \t]+[^ \t\r\n])|[\0-\x08]")


def seal(
    octets: bytes,
    *,
    chain: ChainVerification,
    authentication_results: str,
    domain: str,
    selector: str,
    key: PrivateKey,
    now: datetime,
    oversigned: Sequence[str] = OVERSIGNED,
    signed: Sequence[str] = ALSO_SIGNED,
) -> bytes:
    """ARC-Seal, ARC-Message-Signature and ARC-Authentication-Results to put in front; CRLF-ended, in this order.

    octets: the message as it goes out, after every change to it. chain: what verify() said of it as it came in.
    authentication_results: ours, as in Authentication-Results behind the colon: host; method=result…; it may be folded.
    Empty where nothing may be added: the chain has ended, has 50 sets, or could not be checked for now, and a seal
    that says fail would be for ever. Raises CannotBeSigned; ValueError where authentication_results is not one field.
    """
    message = read_signed_message(to_crlf(octets))
    instance = max(instances(message), default=0) + 1
    if chain.has_ended or chain.is_temporary or instance > MAX_SETS:
        return b""
    sets = _sets_to_seal(message, chain)
    validation = chain.status if sets is not None else ChainStatus.FAIL
    results = _results_field(instance, authentication_results)
    first = ("i", str(instance))
    common = [("a", algorithm_of(key)), ("d", domain), ("s", selector), ("t", seconds(now))]
    names = [*oversigned_names(message, oversigned), *present_names(message, signed)]
    tags = [first, *common, ("c", "relaxed/relaxed")]
    message_signature = sign_message(message, "ARC-Message-Signature", tags, key=key, names=names)
    hashing = hashlib.sha256()
    for each in sets or []:
        for field in (each.results_field, each.message_signature.field, each.seal.field):
            hashing.update(sealed_form(field))
    for octets_of_field in (results, message_signature):
        hashing.update(sealed_form(_field(octets_of_field)))
    arc_seal = sign_digest(hashing, "ARC-Seal", [first, *common, ("cv", validation)], key=key)
    return arc_seal + message_signature + results


def _sets_to_seal(message: SignedMessage, chain: ChainVerification) -> list[ArcSet] | None:
    """The sets that stand in the message; None where the chain has failed, and the seal is over its own set alone.

    Section 5.1.2. A chain that came in whole and goes out in pieces has failed too: here.
    """
    if chain.status is ChainStatus.FAIL:
        return None
    try:
        sets = read_sets(message)
    except MalformedChain:
        return None
    if bool(sets) is not (chain.status is ChainStatus.PASS):
        raise ValueError("The chain is another message's.")
    return sets


def _results_field(instance: int, text: str) -> bytes:
    value = to_crlf(text.strip().encode("utf-8"))
    if not value or _NOT_FOLDED.search(value):
        raise ValueError("Authentication results are one field.")
    return b"ARC-Authentication-Results: i=%d; %b\r\n" % (instance, value)


def _field(octets: bytes) -> Field:
    name, _, value = octets.partition(b":")
    return Field(name.lower(), octets, value)
