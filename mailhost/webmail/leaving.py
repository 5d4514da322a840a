"""What stands in the Outbox, in words for its sender: when it goes, and what is there without ever going."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format

from delivery.taking_back import Waiting, read_standing, read_waiting
from mailboxes.models import Account
from mailboxes.models.account import MAX_UNDO_SECONDS
from mailboxes.store.outbox import OUTBOX
from mailboxes.store.values import MailboxEntry
from mailhost.webmail.access import Desk
from mailhost.webmail.listing import Line, Mark, Page, read_page

MAX_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Outbox:
    """waiting: what leaves first stands first; others: what lies in the mailbox and is not sent, up to a page of it."""

    entry: MailboxEntry | None
    waiting: Sequence[tuple[Waiting, str]]
    others: Sequence[Line]


def read_outbox(desk: Desk, *, now: datetime) -> Outbox:
    """All that the account may take back, each with when it goes, and the rest of its mailbox."""
    entry = outbox_of(desk)
    waiting = read_waiting(account_id=desk.account.pk, limit=MAX_SHOWN)
    standing = {each.place for each in waiting}
    lines = read_page(entry).lines if entry is not None and entry.message_count else []
    others = [line for line in lines if entry is not None and (entry.mailbox_id, line.uid) not in standing]
    return Outbox(entry, [(each, goes(each, now)) for each in waiting], others)


def outbox_of(desk: Desk) -> MailboxEntry | None:
    """The account's own mailbox of that name."""
    return next((entry for entry in desk.entries if is_outbox(entry, desk.account)), None)


def is_outbox(entry: MailboxEntry, account: Account) -> bool:
    """Whether it is what `mailboxes.store.outbox` puts messages into."""
    return entry.account_id == account.pk and entry.name == OUTBOX


def leaving_at(
    entry: MailboxEntry, uid: int, *, account: Account, now: datetime
) -> tuple[Waiting, str] | None:
    """The message at this place, if it waits, with when it goes. An Outbox may have been renamed since."""
    if entry.account_id != account.pk:
        return None
    found = read_standing(account_id=account.pk, mailbox_id=entry.mailbox_id).get(uid)
    return None if found is None else (found, goes(found, now))


def with_times(page: Page, entry: MailboxEntry, *, account: Account, now: datetime) -> Page:
    """The page of a list with a mark on what waits: one statement, and none elsewhere than in the Outbox."""
    if not is_outbox(entry, account) or not page.lines:
        return page
    found = read_standing(account_id=account.pk, mailbox_id=entry.mailbox_id)
    lines = [
        replace(line, mark=Mark("moves", goes(found[line.uid], now))) if line.uid in found else line
        for line in page.lines
    ]
    return replace(page, lines=lines)


def goes(waiting: Waiting, now: datetime) -> str:
    """In the reader's time zone: "goes at 14:02", "goes on 3 Dec, 14:02"."""
    if waiting.release_at <= now:
        when = "goes now"
    else:
        here, today = timezone.localtime(waiting.release_at), timezone.localtime(now).date()
        if here.date() == today:
            # Of what can be undone for seconds the minute alone would say "now".
            is_soon = waiting.release_at - now <= timedelta(seconds=MAX_UNDO_SECONDS)
            when = f"goes at {date_format(here, 'H:i:s' if is_soon else 'H:i')}"
        else:
            when = f"goes on {date_format(here, 'j M, H:i' if here.year == today.year else 'j M Y, H:i')}"
    return when.replace("goes", "held for an operator, then goes", 1) if waiting.is_held else when
