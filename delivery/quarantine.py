"""Messages that are held back: their recipient takes them or lets them go, or they expire."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address
from typing import Any, Final

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Substr

from delivery.filters.incoming import Incoming, domain_of
from delivery.filters.recording import as_verdict
from delivery.findings import Action, Verdict
from delivery.models import Quarantined, RecordedVerdict
from mailboxes.models import Mailbox
from mailboxes.sender_rules import patterns_for, set_sender_rule
from mailboxes.store import lessons
from mailboxes.store.append_batch import INBOX
from mailboxes.store.placing import place_content
from mailhost.audit.trail import record

UNKNOWN_PEER: Final = IPv4Address(0)
DANGEROUS: Final = frozenset(("attachment", "virus"))  # checks of filters/part_rules.py
SHOWN_COLUMNS = ("from_display", "subject", "preview")


@dataclass(frozen=True, slots=True)
class Held:
    """One held message, as a list shows it. verdict: None where it is not kept any more."""

    quarantined_id: int
    content_id: int
    sender: str
    subject: str
    preview: str
    held_at: datetime
    expires_at: datetime
    verdict: Verdict | None

    @property
    def reason(self) -> str:
        """What weighs most against it, as a sentence; "" where that is not known."""
        findings = self.verdict.findings if self.verdict else ()
        against = (each.text for each in findings if each.at_least > Action.DELIVER or each.score > 0)
        return next(against, "")

    @property
    def is_dangerous(self) -> bool:
        """Whether it is held for what it carries, or nobody knows why any more: its parts are left alone."""
        return self.verdict is None or any(
            each.check in DANGEROUS and (each.at_least > Action.DELIVER or each.score > 0)
            for each in self.verdict.findings
        )


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
def release_and_let_in(
    *, account_id: int, ids: Collection[int], by: str, now: datetime
) -> tuple[int, list[str]]:
    """Releases them, and lets their authors in from now on; how many there were, and the authors' patterns.

    Raises QuotaExceeded, TooManySenderRules, and then nothing is changed.
    """
    authors = _authors(account_id, ids)
    count = release(account_id=account_id, ids=ids, by=by, now=now)
    for pattern in authors:
        set_sender_rule(account_id=account_id, pattern=pattern, is_allowed=True, by=by)
    return count, authors


def _authors(account_id: int, ids: Collection[int]) -> list[str]:
    """The first author of each, where that is an address; each once."""
    held = Quarantined.objects.filter(account_id=account_id, pk__in=ids)
    length: Any = F("content__header_octets")
    rows: Any = held.order_by("pk").annotate(header=Substr("content__octets", 1, length)).only("pk")
    found: dict[str, None] = {}
    for row in rows:
        message = Incoming(UNKNOWN_PEER, "", "", frozenset(), bytes(row.header))
        for author in message.addresses(b"from")[:1]:
            local_part = (author.mailbox or b"").decode("utf-8", "replace")
            found.update(dict.fromkeys(patterns_for(f"{local_part}@{domain_of(author)}")[:1]))
    return list(found)


@transaction.atomic
def discard(*, account_id: int, ids: Collection[int], by: str) -> int:
    """Lets them go; how many there were."""
    return _gone(_locked(account_id, ids), verb="quarantined message discarded", by=by)


def held_content_ids(*, account_id: int, ids: Collection[int]) -> list[int]:
    """The contents of those of them that are held for the account."""
    rows = Quarantined.objects.filter(account_id=account_id, pk__in=ids).order_by("pk")
    return list(rows.values_list("content_id", flat=True))


def held_count(*, account_id: int) -> int:
    """How many messages are held for the account."""
    return Quarantined.objects.filter(account_id=account_id).count()


def read_held(*, account_id: int, limit: int, older_than: int | None = None) -> list[Held]:
    """Newest first, from below that id: two statements."""
    rows = Quarantined.objects.filter(account_id=account_id).order_by("-pk")
    if older_than is not None:
        rows = rows.filter(pk__lt=older_than)
    return _read(account_id, rows[:limit])


def find_held(*, account_id: int, held_id: int) -> Held | None:
    """One of them; None where it is not held for this account."""
    return next(iter(_read(account_id, Quarantined.objects.filter(account_id=account_id, pk=held_id))), None)


def _read(account_id: int, rows: QuerySet[Quarantined]) -> list[Held]:
    shown = ("content_id", "held_at", "expires_at", *(f"content__{name}" for name in SHOWN_COLUMNS))
    held = list(rows.select_related("content").only(*shown))
    ids = [each.content_id for each in held]
    verdicts = {
        row.content_id: as_verdict(row)
        for row in RecordedVerdict.objects.filter(account_id=account_id, content_id__in=ids)
    }
    return [
        Held(
            each.pk,
            each.content_id,
            each.content.from_display,
            each.content.subject,
            each.content.preview,
            each.held_at,
            each.expires_at,
            verdicts.get(each.content_id),
        )
        for each in held
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
