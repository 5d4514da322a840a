"""Verifying signatures (RFC 6376 section 6.1), all at once with verify(), or in steps:

    message = read_signed_message(octets)
    for each in find_signatures(message, now=now):
        if isinstance(each, MessageSignature):
            verification = check(message, each, await look_up_key(each.key_name, txt=txt))

so that look-ups can run at the same time, and check(), which hashes the body, in a thread.
"""

from datetime import datetime
from typing import Final

from mailhost.protocols.dkim.canonicalization import field_in_form
from mailhost.protocols.dkim.keys import PublicKey, TxtLookup, look_up_key
from mailhost.protocols.dkim.message import SignedMessage, read_signed_message
from mailhost.protocols.dkim.outcomes import Flaw, Result, Verification
from mailhost.protocols.dkim.signatures import (
    MessageSignature,
    Signature,
    parse_signature,
    signature_start,
)
from mailhost.protocols.dkim.tag_lists import TagSyntaxError

# Each costs a look-up at a name of the sender's choice. Real mail has up to four: author's domain and provider, each
# with RSA and Ed25519; a list adds its own two.
MAX_SIGNATURES: Final = 8


async def verify(octets: bytes, *, txt: TxtLookup, now: datetime) -> list[Verification]:
    """An outcome for each signature from top to bottom, the first MAX_SIGNATURES; empty where there are none.

    octets: the message as it was received. One look-up after the other, each name once: the caller keeps the time.
    Never raises, whatever the octets and records, but what txt raises beside its facts.
    """
    message = read_signed_message(octets)
    keys: dict[str, PublicKey | Flaw] = {}
    verifications = []
    for each in find_signatures(message, now=now):
        if isinstance(each, MessageSignature):
            if each.key_name not in keys:
                keys[each.key_name] = await look_up_key(each.key_name, txt=txt)
            verifications.append(check(message, each, keys[each.key_name]))
        else:
            verifications.append(each)
    return verifications


def find_signatures(message: SignedMessage, *, now: datetime) -> list[MessageSignature | Verification]:
    """The first MAX_SIGNATURES DKIM-Signature fields from the top; a Verification where no key can change it."""
    found: list[MessageSignature | Verification] = []
    for field in message.named(b"dkim-signature")[:MAX_SIGNATURES]:
        try:
            signature = parse_signature(field)
        except TagSyntaxError as error:
            found.append(Verification(Result.NEUTRAL, f"The signature cannot be read: {error}"))
            continue
        flaw = flaw_without_key(message, signature, now=now)
        found.append(_verification(signature, flaw) if flaw else signature)
    return found


def check(message: SignedMessage, signature: MessageSignature, key: PublicKey | Flaw) -> Verification:
    """The outcome, with what was found at signature.key_name."""
    if isinstance(key, Flaw):
        return _verification(signature, key)
    if key.is_strict and signature.identity_domain != signature.domain:
        flaw: Flaw | None = Flaw(Result.PERMERROR, "The key is not for identities of subdomains.")
    else:
        flaw = flaw_with_key(message, signature, key)
    if key.is_testing:
        # Section 3.6.1: to be treated like an unsigned message, whether it is right or wrong.
        finding = flaw.reason if flaw else "Header and body are as they were signed."
        flaw = Flaw(Result.NEUTRAL, f"The domain is only testing. {finding}")
    return _verification(signature, flaw, message=message, key=key)


def flaw_without_key(message: SignedMessage, signature: MessageSignature, *, now: datetime) -> Flaw | None:
    """Why a signature of header and body cannot pass, whatever its key is."""
    if flaw := signature.flaw(now=now):
        return flaw
    if message.is_too_large:
        return Flaw(Result.POLICY, "The header is too large to be checked.")
    originators = len(message.named(b"from"))
    if not originators:
        return Flaw(Result.PERMERROR, "The message has no From.")
    if signature.names.count(b"from") < originators:
        # Section 8.15: a From put above the signed one is what people would see.
        return Flaw(Result.FAIL, "The message has a From that the signature does not cover.")
    return None


def flaw_with_key(message: SignedMessage, signature: MessageSignature, key: PublicKey) -> Flaw | None:
    """Whether header and body are what was signed. The header first, which costs less."""
    if flaw := algorithm_flaw(signature, key):
        return flaw
    form = signature.header_form
    picked = message.picked(signature.names, but=signature.field)
    header = [field_in_form(form, each.name, each.octets, each.value) for each in picked]
    header.append(signature.field_to_hash(form))
    if not key.has_signed(b"".join(header), signature.octets):
        return Flaw(Result.FAIL, "The header fields are not what was signed.")
    body = message.body_hash(signature.body_form, signature.body_length)
    if signature.body_length is not None and body.octets < signature.body_length:
        return Flaw(Result.FAIL, "The body is shorter than what was signed.")
    if body.digest != signature.body_hash:
        return Flaw(Result.FAIL, "The body is not what was signed.")
    return None


def algorithm_flaw(signature: Signature, key: PublicKey) -> Flaw | None:
    """Where the key is for another algorithm (section 6.1.2)."""
    if key.algorithm == signature.algorithm:
        return None
    return Flaw(Result.PERMERROR, "The key is for another algorithm than the signature's.")


def _verification(
    signature: MessageSignature,
    flaw: Flaw | None,
    *,
    message: SignedMessage | None = None,
    key: PublicKey | None = None,
) -> Verification:
    covers_whole_body = True
    if message is not None and flaw is None:
        covers_whole_body = message.body_hash(signature.body_form, signature.body_length).is_whole
    return Verification(
        result=flaw.result if flaw else Result.PASS,
        reason=flaw.reason if flaw else "Header and body are as they were signed.",
        domain=signature.domain,
        selector=signature.selector,
        identity=signature.identity,
        algorithm=signature.algorithm,
        signature_start=signature_start(signature.octets),
        key_bits=key.bits if key else 0,
        covers_whole_body=covers_whole_body,
        is_testing=key is not None and key.is_testing,
    )
