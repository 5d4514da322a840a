"""What was sent and waits for its time, from here and from mail clients: to be looked at, changed, and let go."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from delivery.queue.waiting import TooLate, send_now
from delivery.taking_back import TakenBack, WaitingNotFound, find_own, take_back
from mailhost.webmail.access import Desk, for_account_holders
from mailhost.webmail.answering import Mode
from mailhost.webmail.leaving import read_outbox
from mailhost.webmail.pages.frame import next_page, show

TAKEN_BACK = "Taken back: nothing of it was sent. It is a draft again."
CANCELLED = "Cancelled: nothing of it was sent. It is among the drafts."
WITHOUT_DRAFT = (
    "Taken back: nothing of it was sent. There is no room for a draft; if there was a copy in Sent, it is "
    "there still."
)
GOES_NOW = "It goes now."


@require_GET
@for_account_holders
def show_outbox(request: HttpRequest, desk: Desk) -> HttpResponse:
    """What leaves first stands first."""
    outbox = read_outbox(desk, now=timezone.now())
    return show(request, desk, "webmail/outbox.html", entry=outbox.entry, outbox=outbox, is_outbox=True)


@require_POST
@for_account_holders
def take_back_sent(request: HttpRequest, desk: Desk, message_id: int) -> HttpResponse:
    """The draft that it is now, or why not. Somebody else's message is not there."""
    try:
        taken = _take_back(desk, message_id)
    except TooLate as fact:
        messages.warning(request, str(fact))
        return redirect(next_page(request, reverse("webmail:outbox")))
    if taken.draft is None:
        messages.warning(request, WITHOUT_DRAFT)
        return redirect("webmail:outbox")
    messages.success(request, TAKEN_BACK)
    return redirect("webmail:compose-from", *taken.draft, Mode.DRAFT)


@require_POST
@for_account_holders
def cancel(request: HttpRequest, desk: Desk, message_id: int) -> HttpResponse:
    """As taking back, for who does not want to go on with it now: the text is kept all the same."""
    try:
        taken = _take_back(desk, message_id)
    except TooLate as fact:
        messages.warning(request, str(fact))
    else:
        if taken.draft is None:
            messages.warning(request, WITHOUT_DRAFT)
        else:
            messages.success(request, CANCELLED)
    return redirect(next_page(request, reverse("webmail:outbox")))


@require_POST
@for_account_holders
def let_go(request: HttpRequest, desk: Desk, message_id: int) -> HttpResponse:
    """It waits no longer."""
    try:
        find_own(message_id=message_id, account_id=desk.account.pk)
        send_now(message_id=message_id, by=desk.account.login, now=timezone.now())
        messages.success(request, GOES_NOW)
    except WaitingNotFound as fact:
        raise Http404(str(fact)) from fact
    except TooLate as fact:
        messages.warning(request, str(fact))
    return redirect(next_page(request, reverse("webmail:outbox")))


def _take_back(desk: Desk, message_id: int) -> TakenBack:
    who = desk.account
    try:
        return take_back(message_id=message_id, account_id=who.pk, by=who.login, now=timezone.now())
    except WaitingNotFound as fact:
        raise Http404(str(fact)) from fact
