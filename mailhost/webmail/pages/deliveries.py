"""What was brought for one's own account lately, and what became of it: the inbound trace as its owner sees it."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from delivery import trace
from delivery.causes import read_problems_of
from mailhost.webmail.access import Desk, for_account_holders
from mailhost.webmail.pages.frame import show

SHOWN = 100


@require_GET
@for_account_holders
def show_deliveries(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The newest, or those that `?q=` means: a sender, a Message-ID, the id of a reply."""
    text = request.GET.get("q", "")[:320]
    problems = read_problems_of(account_id=desk.account.pk, now=timezone.now())
    rows = list(trace.search(account_id=desk.account.pk, text=text)[: SHOWN + 1])
    return show(
        request,
        desk,
        "webmail/deliveries.html",
        problems=problems,
        rows=rows[:SHOWN],
        are_more=len(rows) > SHOWN,
        text=text,
        days=settings.TRACE_DAYS,
    )
