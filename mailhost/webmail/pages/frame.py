"""What all webmail pages have around them."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from delivery.quarantine import held_count
from mailboxes.store.values import MailboxEntry
from mailhost.webmail.access import Desk


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
    quota = desk.account.quota_octets
    frame = {
        "account": desk.account,
        "folders": desk.folders(),
        "held_count": held_count(account_id=desk.account.pk),
        "entry": entry,
        "known_uid_next": entry.uid_next if entry is not None and is_list else "",
        "used_octets": desk.used_octets(),
        "quota_octets": quota,
        "quota_high": quota * 8 // 10,
    }
    return render(request, template, frame | context, status=status)


def next_page(request: HttpRequest, otherwise: str) -> str:
    """Where the form said to go on, if that is on this host."""
    target = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(target, allowed_hosts=None) and target.startswith("/mail/")
    return target if is_ours else otherwise
