"""Messages that are held back: their recipient takes them or lets them go, or they expire."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from delivery.models import Quarantined, RecordedVerdict
from mailboxes.models import Mailbox
from mailboxes.store import lessons
from mailboxes.store.append import INBOX
from mailboxes.store.placing import place_content
from mailhost.audit.trail import record


@dataclass(frozen=True, slots=True)
class Held:
    """One message in quarantine. reason: what weighed most, as a sentence."""

    id: int
    held_at: datetime
    expires_at: datetime
    sender: str
    subject: str
    preview: str
    reason: str


@transaction.atomic
def release(*, account_id: int, ids: Collection[int], by: str, now: datetime) -> int:
    """Puts them into INBOX, as of when they came, and learns that they are wanted; how many were there to be put.

    Raises QuotaExceeded, and then all stay where they are.
    """
    held = _locked(account_id, ids)
    if not held:
        return 0
    inbox = Mailbox.objects.get(account_id=account_id, name=INBOX, deleted_at=None)
    for each in held:
        place_content(
            account_id=account_id,
            mailbox_id=inbox.pk,
            content_id=each.content_id,
            internal_date=each.held_at,
            now=now,
        )
    content_ids = [each.content_id for each in held]
    lessons.note(account_id=account_id, content_ids=content_ids, is_junk=False, now=now)
    return _gone(held, verb="quarantined message released", by=by)


@transaction.atomic
def discard(*, account_id: int, ids: Collection[int], by: str) -> int:
    """Lets them go; how many there were."""
    return _gone(_locked(account_id, ids), verb="quarantined message discarded", by=by)


def held_count(*, account_id: int) -> int:
    """How many messages are held for the account."""
    return Quarantined.objects.filter(account_id=account_id).count()


def held(*, account_id: int, limit: int) -> list[Held]:
    """The newest of them, with what can be told without opening them; two statements."""
    rows = list(
        Quarantined.objects.filter(account_id=account_id)
        .order_by("-pk")
        .values_list(
            "pk",
            "content_id",
            "held_at",
            "expires_at",
            "content__from_display",
            "content__subject",
            "content__preview",
        )[:limit]
    )
    verdicts = RecordedVerdict.objects.filter(account_id=account_id, content_id__in=[row[1] for row in rows])
    reasons = {row.content_id: row.findings[0]["text"] for row in verdicts if row.findings}
    return [
        Held(pk, held_at, expires_at, sender, subject, preview, reasons.get(content_id, ""))
        for pk, content_id, held_at, expires_at, sender, subject, preview in rows
    ]


def remove_expired(*, now: datetime) -> int:
    """Removes those that nobody took in time; how many."""
    return Quarantined.objects.filter(expires_at__lt=now).delete()[0]


def _locked(account_id: int, ids: Collection[int]) -> list[Quarantined]:
    return list(
        Quarantined.objects.select_for_update(of=("self",))
        .filter(account_id=account_id, pk__in=ids)
        .select_related("account")
        .order_by("pk")
    )


def _gone(held: list[Quarantined], *, verb: str, by: str) -> int:
    for each in held:
        record(by=by, verb=verb, subject=each.account.login, content=each.content_id)
    Quarantined.objects.filter(pk__in=[each.pk for each in held]).delete()
    return len(held)
