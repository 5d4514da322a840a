"""The queue: for administrators of domains what accounts of these sent, for operators everything."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from delivery.queue_pages import views
from delivery.queue_pages.frame import Frame
from mailhost.panel.access import Office, for_domain_administrators
from mailhost.panel.pages.frame import framed

PARTS = ("queue/numbers.html", "queue/progress.html")  # what the page's script puts into it


def _framed(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponseBase]:
    """The page as the signed-in account may see it."""

    def page(request: HttpRequest, office: Office, **where: Any) -> HttpResponse:
        return view(request, _frame(office), **where)

    return for_domain_administrators(page, and_operators=True)


def _frame(office: Office) -> Frame:
    account = office.account
    return Frame(
        by=account.login,
        sent_from=None if office.sees_all else office.domains,
        names="panel:queue",
        show=partial(_show, office),
        # An operator's own page of it is in the administration.
        message_page="admin:delivery_inboundtrace_message"
        if office.sees_all
        else "panel:delivery-of-message",
        recipient_page="admin:delivery_queuedrecipient_change" if office.sees_all else "",
    )


def _show(
    office: Office, request: HttpRequest, body: str, context: Mapping[str, Any], status: int
) -> HttpResponse:
    if body in PARTS:
        return render(request, body, dict(context), status=status)
    told = framed(office, at="queue", body=body, **context)
    return render(request, "panel/queue.html", told, status=status)


show_queue = require_safe(_framed(views.show_queue))
show_numbers = require_safe(_framed(views.show_numbers))
show_preview = require_http_methods(["GET", "HEAD", "POST"])(_framed(views.show_preview))
show_order = require_safe(_framed(views.show_order))
stop_order = require_POST(_framed(views.stop_order))
