"""What came for one's own account and what it has sent, and what became of it: the trace as its owner sees it."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from delivery.causes import read_problems_of
from delivery.trace.asking import Scope
from delivery.trace.pages import message_page, search_page
from mailhost.webmail.access import Desk, for_account_holders
from mailhost.webmail.pages.frame import show


@require_GET
@for_account_holders
def show_deliveries(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The newest, or those that the search means; and what was sent and does not arrive."""
    context, status = search_page(request, _own(desk))
    problems = read_problems_of(account_id=desk.account.pk, now=timezone.now())
    where = reverse("webmail:delivery-of-message")
    return show(
        request,
        desk,
        "webmail/deliveries.html",
        status=status,
        problems=problems,
        message_url=where,
        **context,
    )


@require_GET
@for_account_holders
def show_message(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The whole way of the message that `?id=` means; 404 for one that is not the account's."""
    return show(request, desk, "webmail/delivery_of_message.html", **message_page(request, _own(desk)))


def _own(desk: Desk) -> Scope:
    return Scope(account_id=desk.account.pk, login=desk.account.login)
