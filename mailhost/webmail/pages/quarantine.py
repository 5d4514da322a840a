"""What was held back: to be taken or let go."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from delivery import quarantine
from mailboxes.exceptions import QuotaExceeded
from mailhost.webmail.access import Desk, for_account_holders
from mailhost.webmail.pages.frame import show

MAX_SHOWN = 200


@require_GET
@for_account_holders
def show_quarantine(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The newest messages that are held, with why."""
    held = quarantine.read_held(account_id=desk.account.pk, limit=MAX_SHOWN)
    return show(request, desk, "webmail/quarantine.html", held=held, is_quarantine=True)


@require_POST
@for_account_holders
def act_on_held(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Release or discard those that were chosen, or the one whose own button was pressed."""
    wanted, one = request.POST.get("act", ""), ""
    for act in ("release", "discard"):
        if own := request.POST.get(f"{act}-one"):
            wanted, one = act, own
    chosen = [one] if one else request.POST.getlist("id")[:MAX_SHOWN]
    ids = [int(text) for text in chosen if text.isascii() and text.isdigit() and len(text) <= 18]
    if not ids:
        messages.warning(request, "Choose messages first.")
        return redirect("webmail:quarantine")
    who = desk.account
    try:
        if wanted == "release":
            count = quarantine.release(account_id=who.pk, ids=ids, by=who.login, now=timezone.now())
            messages.success(request, f"{_messages(count)} moved to your inbox. The filter learns from it.")
        elif wanted == "discard":
            count = quarantine.discard(account_id=who.pk, ids=ids, by=who.login)
            messages.success(request, f"{_messages(count)} discarded.")
    except QuotaExceeded:
        messages.warning(request, "There is no room for that in your account. Delete something first.")
    return redirect("webmail:quarantine")


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"
