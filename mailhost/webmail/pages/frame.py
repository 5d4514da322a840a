"""What all webmail pages have around them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from delivery.quarantine import held_count
from delivery.taking_back import Waiting, read_leaving, waiting_count
from mailboxes.models.account import MAX_UNDO_SECONDS
from mailboxes.store.values import MailboxEntry
from mailhost.webmail.access import Desk

MAX_LEAVING_SHOWN = 3
ASK_NO_MORE = 286  # htmx's own status: what an open page asks for by itself is over


@dataclass(frozen=True, slots=True)
class Leaving:
    """A message that leaves in so many seconds."""

    message: Waiting
    seconds: int


def show(
    request: HttpRequest,
    desk: Desk,
    template: str,
    *,
    entry: MailboxEntry | None = None,
    is_list: bool = False,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    """The page with the account's mailboxes at its side."""
    quota, now = desk.account.quota_octets, timezone.now()
    waiting = waiting_count(account_id=desk.account.pk)
    frame = {
        "account": desk.account,
        "folders": desk.folders(),
        "held_count": held_count(account_id=desk.account.pk),
        "waiting_count": waiting,
        "has_outbox": desk.has_outbox(),
        "leaving": _leaving(desk, now) if waiting else [],
        "entry": entry,
        "known_uid_next": entry.uid_next if entry is not None and is_list else "",
        "used_octets": desk.used_octets(),
        "quota_octets": quota,
        "quota_high": quota * 8 // 10,
    }
    return render(request, template, frame | context, status=status)


def _leaving(desk: Desk, now: datetime) -> list[Leaving]:
    """What was sent a moment ago and can be undone: any page says so, as people go on before they notice."""
    before = now + timedelta(seconds=MAX_UNDO_SECONDS)
    found = read_leaving(account_id=desk.account.pk, before=before, limit=MAX_LEAVING_SHOWN)
    return [Leaving(each, max(0, ceil((each.release_at - now).total_seconds()))) for each in found]


def next_page(request: HttpRequest, otherwise: str) -> str:
    """Where the form said to go on, if that is on this host."""
    target = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(target, allowed_hosts=None) and target.startswith("/mail/")
    return target if is_ours else otherwise
