"""A domain's DKIM keys: made, put to use, replaced, wiped (RFC 6376 sections 3.1 and 6.1.2: a record outlives its use).

Keys are made in pairs, RSA-2048 and Ed25519 (RFC 8301 section 3.2, RFC 8463): who cannot check the second one relies
on the first. What DNS and the clock move is in `dkim_rotation`.
"""

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from django.conf import settings
from django.db import transaction

from domains.exceptions import DkimKeyInState, DkimKeyNotFound
from domains.models import DkimAlgorithm, DkimKey, DkimState, Domain
from mailhost.audit.trail import record
from mailhost.net.secrets_at_rest import CannotDecrypt, decrypt, encrypt

PrivateKey = RSAPrivateKey | Ed25519PrivateKey

RSA_BITS: Final = 2048  # RFC 8301 section 3.2; a longer one fits into few DNS answers
ALGORITHMS: Final = (DkimAlgorithm.RSA, DkimAlgorithm.ED25519)


def make_keys(
    *, domain: Domain, now: datetime, by: str, algorithms: Sequence[DkimAlgorithm] = ALGORITHMS
) -> list[DkimKey]:
    """New pending keys, in a transaction. Keys of these kinds that are still pending stay the only ones: they are
    given back instead of new ones.
    """
    with transaction.atomic():
        Domain.objects.select_for_update(no_key=True).get(pk=domain.pk)
        waiting = {each.algorithm: each for each in domain.dkim_keys.filter(state=DkimState.PENDING)}
        return [waiting.get(each) or _make_key(domain, each, now=now, by=by) for each in algorithms]


def find_key(*, domain: Domain, selector: str, lock: bool = False) -> DkimKey:
    """Raises DkimKeyNotFound."""
    keys = DkimKey.objects.select_for_update(no_key=True, of=("self",)) if lock else DkimKey.objects
    key = keys.select_related("domain").filter(domain=domain, selector=selector.lower()).first()
    if key is None:
        raise DkimKeyNotFound(f"{selector}._domainkey.{domain.name}")
    return key


@transaction.atomic
def activate_key(*, key: DkimKey, now: datetime, by: str) -> DkimKey:
    """The key signs from now on; the one that did retires. Raises DkimKeyInState for one that is retired.

    Also goes back to a key that is retiring. Whoever does this by hand knows that the record stands.
    """
    Domain.objects.select_for_update(no_key=True).get(pk=key.domain_id)
    key = find_key(domain=key.domain, selector=key.selector, lock=True)
    if key.state == DkimState.RETIRED:
        raise DkimKeyInState(f"The private key of {key} is wiped.")
    if key.state == DkimState.ACTIVE:
        return key
    for other in DkimKey.objects.select_related("domain").filter(
        domain=key.domain, algorithm=key.algorithm, state=DkimState.ACTIVE
    ):
        _retire(other, now=now, by=by)
    key.state, key.activated_at, key.retiring_at = DkimState.ACTIVE, now, None
    key.save(update_fields=["state", "activated_at", "retiring_at"])
    record(by=by, verb="DKIM key activated", subject=key.domain.name, selector=key.selector)
    return key


@transaction.atomic
def retire_key(*, key: DkimKey, now: datetime, by: str) -> DkimKey:
    """The key signs no more, with or without another one; its record has to stay for DKIM_OVERLAP_SECONDS.

    Raises DkimKeyInState for one that is retired already.
    """
    key = find_key(domain=key.domain, selector=key.selector, lock=True)
    if key.state == DkimState.RETIRED:
        raise DkimKeyInState(f"{key} is retired already.")
    if key.state == DkimState.PENDING:
        wipe_key(key=key, now=now, by=by)  # it has signed nothing
    elif key.state == DkimState.ACTIVE:
        _retire(key, now=now, by=by)
    return key


@transaction.atomic
def wipe_key(*, key: DkimKey, now: datetime, by: str) -> None:
    """Nobody can sign with it any more, here or with a copy of the database of tomorrow."""
    key.state, key.retired_at, key.private_key = DkimState.RETIRED, now, b""
    key.save(update_fields=["state", "retired_at", "private_key"])
    record(by=by, verb="DKIM key retired", subject=key.domain.name, selector=key.selector)


def removable_at(key: DkimKey) -> datetime | None:
    """From when on its record may be taken out of DNS; None while it signs or is to sign."""
    if key.state == DkimState.RETIRED:
        return key.retired_at
    if key.state == DkimState.RETIRING and key.retiring_at is not None:
        return key.retiring_at + timedelta(seconds=settings.DKIM_OVERLAP_SECONDS)
    return None


def private_key(key: DkimKey) -> PrivateKey:
    """Raises CannotDecrypt."""
    octets = decrypt(bytes(key.private_key), purpose=key.purpose)
    loaded = load_der_private_key(octets, password=None)
    if not isinstance(loaded, RSAPrivateKey | Ed25519PrivateKey):
        raise CannotDecrypt("It is no key that DKIM knows.")
    return loaded


def _retire(key: DkimKey, *, now: datetime, by: str) -> None:
    key.state, key.retiring_at = DkimState.RETIRING, now
    key.save(update_fields=["state", "retiring_at"])
    record(by=by, verb="DKIM key retiring", subject=key.domain.name, selector=key.selector)


def _make_key(domain: Domain, algorithm: DkimAlgorithm, *, now: datetime, by: str) -> DkimKey:
    made: PrivateKey
    if algorithm == DkimAlgorithm.RSA:
        made = generate_private_key(public_exponent=65_537, key_size=RSA_BITS)
        public = made.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        made = Ed25519PrivateKey.generate()
        public = made.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    key = DkimKey(
        domain=domain,
        selector=_new_selector(domain, algorithm, now),
        algorithm=algorithm,
        public_key=base64.b64encode(public).decode("ascii"),
        created_at=now,
    )
    der = made.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    key.private_key = encrypt(der, purpose=key.purpose)
    key.save(force_insert=True)
    record(by=by, verb="DKIM key made", subject=domain.name, selector=key.selector)
    return key


def _new_selector(domain: Domain, algorithm: DkimAlgorithm, now: datetime) -> str:
    """Says when it was made; one that was used before is never used again, as its record may still be cached."""
    known = set(domain.dkim_keys.values_list("selector", flat=True))
    first = f"{now:%Y%m%d}-{algorithm}"
    names = (first, *(f"{now:%Y%m%d}-{number}-{algorithm}" for number in range(2, len(known) + 3)))
    return next(name for name in names if name not in known)
