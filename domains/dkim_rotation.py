"""What DNS and the clock do to DKIM keys: pending → active once the record is seen → retiring → retired.

Beat asks for a round (domains.tasks). Rounds may overlap: every step locks its key and looks again.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from domains.dkim_keys import activate_key, find_key, make_keys, wipe_key
from domains.models import DkimAlgorithm, DkimKey, DkimState, Domain
from mailhost.net.resolver import DnsUnavailable, NoAnswer, NoSuchDomain
from mailhost.net.secrets_at_rest import CannotDecrypt, decrypt, encrypt, is_current
from mailhost.protocols.dkim import Flaw, TxtLookup, look_up_key
from mailhost.protocols.dkim.keys import choose_key

log = structlog.get_logger(__name__)

BY: Final = "system"
MAX_LOOKS: Final = 200  # of one round; those not looked at for longest first
MAX_MADE: Final = 50  # domains that get keys in one round: an RSA key takes 0.1 s and more
LOOKED_AT_ONCE: Final = 20
LOOK_SECONDS: Final = 10.0
ACTIVE_EVERY: Final = timedelta(
    hours=6
)  # a record that is gone makes every signature fail: told, not acted on


class Txt(Protocol):
    """The part of mailhost.net.resolver.Resolver that is asked."""

    async def txt(self, name: str) -> Sequence[bytes]:
        """As TxtLookup; of what is not there, and when DNS is away, it raises LookUpFailed."""


def tend_keys(*, now: datetime, resolver: Txt) -> None:
    """One round: keys made where they are missing or old, records looked for, the replaced ones wiped in their time."""
    if settings.DKIM_AUTOMATIC:
        make_missing(now=now)
        make_successors(now=now)
    look_for_records(now=now, resolver=resolver)
    wipe_expired(now=now)
    encrypt_anew()


def make_missing(*, now: datetime) -> None:
    """Keys for domains that have none at all."""
    without = Domain.objects.filter(~Exists(DkimKey.objects.filter(domain=OuterRef("pk"))))
    for domain in without.order_by("pk")[:MAX_MADE]:
        make_keys(domain=domain, now=now, by=BY)


def make_successors(*, now: datetime) -> None:
    """A pending key beside each active one that is old; it takes over when its record is seen, and not before."""
    if settings.DKIM_ROTATION_SECONDS <= 0:
        return
    pending = DkimKey.objects.filter(
        domain=OuterRef("domain"), algorithm=OuterRef("algorithm"), state=DkimState.PENDING
    )
    old = DkimKey.objects.filter(
        ~Exists(pending),
        state=DkimState.ACTIVE,
        activated_at__lte=now - timedelta(seconds=settings.DKIM_ROTATION_SECONDS),
    )
    for key in old.select_related("domain").order_by("activated_at", "pk")[:MAX_MADE]:
        make_keys(domain=key.domain, now=now, by=BY, algorithms=[DkimAlgorithm(key.algorithm)])


def look_for_records(*, now: datetime, resolver: Txt, keys: Sequence[DkimKey] | None = None) -> None:
    """Whether the records stand; a pending key whose record does signs from now on. keys: these, not those due."""
    if keys is None:
        due = Q(state=DkimState.PENDING) | Q(
            Q(checked_at=None) | Q(checked_at__lte=now - ACTIVE_EVERY), state=DkimState.ACTIVE
        )
        chosen = DkimKey.objects.filter(due).select_related("domain")
        keys = list(chosen.order_by(F("checked_at").asc(nulls_first=True), "pk")[:MAX_LOOKS])
    for key, note in zip(keys, asyncio.run(_look(keys, resolver.txt)), strict=True):
        _note(key, note, now=now)


@transaction.atomic
def _note(key: DkimKey, note: str, *, now: datetime) -> None:
    key = find_key(domain=key.domain, selector=key.selector, lock=True)
    key.checked_at, key.check_note = now, note
    if not note and key.seen_at is None:
        key.seen_at = now
    key.save(update_fields=["checked_at", "check_note", "seen_at"])
    if not note and key.state == DkimState.PENDING:
        activate_key(key=key, now=now, by=BY)
    elif note and key.state == DkimState.ACTIVE:
        log.warning("the record of an active DKIM key is not in DNS", key=str(key), reason=note)


def wipe_expired(*, now: datetime) -> None:
    """Private keys of those that have been retiring for long enough."""
    until = now - timedelta(seconds=settings.DKIM_OVERLAP_SECONDS)
    expired = DkimKey.objects.filter(state=DkimState.RETIRING, retiring_at__lte=until)
    for key in expired.select_related("domain")[:MAX_LOOKS]:
        with transaction.atomic():
            found = find_key(domain=key.domain, selector=key.selector, lock=True)
            if found.state == DkimState.RETIRING:
                wipe_key(key=found, now=now, by=BY)


def encrypt_anew() -> None:
    """What an old secret encrypted, with the one of now."""
    for key in DkimKey.objects.exclude(state=DkimState.RETIRED).iterator():
        if is_current(bytes(key.private_key)):
            continue
        try:
            octets = decrypt(bytes(key.private_key), purpose=key.purpose)
        except CannotDecrypt as fact:
            log.error("a DKIM key cannot be read", key_id=key.pk, selector=key.selector, reason=str(fact))
            continue
        DkimKey.objects.filter(pk=key.pk, private_key=key.private_key).update(
            private_key=encrypt(octets, purpose=key.purpose)
        )


async def _look(keys: Sequence[DkimKey], txt: TxtLookup) -> list[str]:
    """What is wrong with each record, "" where it is as it should be."""
    slots = asyncio.Semaphore(LOOKED_AT_ONCE)

    async def look(key: DkimKey) -> str:
        async with slots:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    found = await look_up_key(str(key), txt=txt)
            except TimeoutError:
                return "DNS did not answer in time."
            except (NoSuchDomain, NoAnswer):
                return f"There is no key at {key}."
            except DnsUnavailable:
                return f"The key at {key} could not be looked up."
        if isinstance(found, Flaw):
            return found.reason
        ours = choose_key([key.record.encode()], name=str(key))
        if isinstance(ours, Flaw) or found.key != ours.key:
            return "There is another key in DNS."
        return ""

    return list(await asyncio.gather(*(look(each) for each in keys)))
