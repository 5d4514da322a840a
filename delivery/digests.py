"""A message a day to whoever has something new in quarantine: what is held, why, and where it can be had.

An account is told once its oldest untold message has waited for a day; then all are told together. The rows that were
told are marked in the transaction that puts the digest into INBOX, so no number of callers tells one of them twice.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction

from delivery.acceptance import Acceptance, accept_now
from delivery.filters.recording import read_verdicts
from delivery.models import Quarantined
from mailboxes.exceptions import MailboxFact
from mailboxes.models import Account
from mailboxes.store.locks import lock_usage
from mailhost.protocols.message.composing import compose
from mailhost.protocols.message.reading import Correspondent
from mailhost.protocols.message.text import one_line
from mailhost.public_url import public_url

log = structlog.get_logger(__name__)

EVERY: Final = timedelta(days=1)
MAX_ACCOUNTS: Final = 1_000  # of one round: the next one goes on
MAX_LISTED: Final = 100  # of one digest; the page has all
MAX_WORDS: Final = 100  # characters of a name or a subject
PAGE: Final = "/mail/quarantine/"


def send_digests(*, now: datetime, new_name: Callable[[], str]) -> int:
    """Tells every account that is due; how many. Any number of callers at once."""
    if not settings.QUARANTINE_DIGEST:
        return 0
    due = Quarantined.objects.filter(
        told_at=None, held_at__lte=now - EVERY, expires_at__gt=now, account__is_enabled=True
    )
    account_ids = due.order_by("account_id").values_list("account_id", flat=True).distinct()
    told = 0
    for account_id in list(account_ids[:MAX_ACCOUNTS]):
        try:
            told += send_digest(account_id=account_id, now=now, new_name=new_name)
        except MailboxFact as fact:  # a full account: in a later round, if there is room by then
            log.info("a digest has to wait", account_id=account_id, reason=str(fact))
    return told


@transaction.atomic
def send_digest(*, account_id: int, now: datetime, new_name: Callable[[], str]) -> bool:
    """One digest; False where it is not due, or was just sent. Raises MailboxFact, and nobody was told."""
    # One caller at a time for an account, in the order of store/locks.py: two would share the rows among them, and
    # send two digests. Rows that are being released are passed over: whoever does that waits for the usage row.
    lock_usage([account_id])
    untold = list(
        Quarantined.objects.select_for_update(skip_locked=True, no_key=True)
        .filter(account_id=account_id, told_at=None, expires_at__gt=now)
        .order_by("-id")
        .values_list("pk", "held_at")
    )
    # What is left may not be due yet.
    if not any(held_at <= now - EVERY for _, held_at in untold):
        return False
    ids = [pk for pk, _ in untold]
    account = Account.objects.select_related("address__domain").get(pk=account_id)
    octets = _compose(account, ids, now=now, new_name=new_name)
    accept_now(Acceptance(octets=octets, account_ids=(account_id,)), now=now)
    Quarantined.objects.filter(pk__in=ids).update(told_at=now)
    return True


def _compose(account: Account, ids: Sequence[int], *, now: datetime, new_name: Callable[[], str]) -> bytes:
    domain = account.address.domain.name if account.address else settings.HOSTNAME
    how_many = "1 message is" if len(ids) == 1 else f"{len(ids)} messages are"
    octets = compose(
        # Whoever answers reaches somebody: every domain has a postmaster (RFC 5321 section 4.5.1).
        from_=Correspondent("Quarantine", f"postmaster@{domain}"),
        to=[account.login],
        subject=f"{how_many} held in your quarantine",
        text=_text(account.pk, ids, how_many),
        message_id=f"<{new_name()}.quarantine@{settings.HOSTNAME}>",
        date=now,
    )
    # RFC 3834 section 5: programs that answer mail must not answer this.
    return b"Return-Path: <>\r\nAuto-Submitted: auto-generated\r\n" + octets


def _text(account_id: int, ids: Sequence[int], how_many: str) -> str:
    address = public_url(PAGE)
    where = f"here:\n{address}" if address else "on the page Quarantine of your webmail."
    lines = [
        f"{how_many} new in your quarantine. What you want to have you can release {where}",
        "",
        "What you do nothing about is removed on the day that is named.",
    ]
    shown = ("content_id", "held_at", "expires_at", "content__from_display", "content__subject")
    held = Quarantined.objects.filter(pk__in=ids[:MAX_LISTED]).values(*shown)
    verdicts = read_verdicts(account_id=account_id, content_ids=[each["content_id"] for each in held])
    for each in held:
        verdict = verdicts.get(each["content_id"])
        lines += [
            "",
            f"From: {one_line(each['content__from_display'], limit=MAX_WORDS) or '(unknown)'}",
            f"Subject: {one_line(each['content__subject'], limit=MAX_WORDS) or '(no subject)'}",
            f"Came on {each['held_at']:%-d %B %Y, %H:%M} UTC, kept until {each['expires_at']:%-d %B %Y}.",
            *([f"Why: {verdict.findings[0].text}"] if verdict and verdict.findings else []),
        ]
    if len(ids) > MAX_LISTED:
        lines += ["", f"And {len(ids) - MAX_LISTED} more."]
    return "\n".join(lines) + "\n"
