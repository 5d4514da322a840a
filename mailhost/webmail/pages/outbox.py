"""What was sent and waits for its time, from here and from mail clients: to be looked at, and taken back."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from delivery.queue.waiting import TooLate
from delivery.taking_back import WaitingNotFound, read_waiting, take_back
from mailhost.webmail.access import Desk, for_account_holders
from mailhost.webmail.answering import Mode
from mailhost.webmail.pages.frame import next_page, show

MAX_SHOWN = 200
TAKEN_BACK = "Taken back: nothing of it was sent. It is a draft again."
WITHOUT_DRAFT = (
    "Taken back: nothing of it was sent. There is no room for a draft; if there was a copy in Sent, it is "
    "there still."
)


@require_GET
@for_account_holders
def show_outbox(request: HttpRequest, desk: Desk) -> HttpResponse:
    """What leaves first stands first."""
    waiting = read_waiting(account_id=desk.account.pk, limit=MAX_SHOWN)
    return show(request, desk, "webmail/outbox.html", waiting=waiting, is_outbox=True)


@require_POST
@for_account_holders
def take_back_sent(request: HttpRequest, desk: Desk, message_id: int) -> HttpResponse:
    """The draft that it is now, or why not. Somebody else's message is not there."""
    who = desk.account
    try:
        taken = take_back(message_id=message_id, account_id=who.pk, by=who.login, now=timezone.now())
    except WaitingNotFound as fact:
        raise Http404(str(fact)) from fact
    except TooLate as fact:
        messages.warning(request, str(fact))
        return redirect(next_page(request, reverse("webmail:outbox")))
    if taken.draft is None:
        messages.warning(request, WITHOUT_DRAFT)
        return redirect("webmail:outbox")
    messages.success(request, TAKEN_BACK)
    return redirect("webmail:compose-from", *taken.draft, Mode.DRAFT)
