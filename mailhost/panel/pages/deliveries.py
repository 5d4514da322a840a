"""What came for one's domains and what they have sent, and what became of it: the trace as administrators see it."""

from functools import partial

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from delivery.trace.asking import EVERYTHING, Scope
from delivery.trace.pages import message_page, search_page
from mailhost.panel.access import Office, for_domain_administrators
from mailhost.panel.pages.frame import show


@require_GET
@partial(for_domain_administrators, and_operators=True)
def show_deliveries(request: HttpRequest, office: Office) -> HttpResponse:
    """The newest of all domains, or those that the search means. One that makes no sense finds nothing."""
    context, status = search_page(request, _scope(office), domains=office.domains)
    where = reverse("panel:delivery-of-message")
    return show(
        request, office, "panel/deliveries.html", at="deliveries", status=status, message_url=where, **context
    )


@require_GET
@partial(for_domain_administrators, and_operators=True)
def show_message(request: HttpRequest, office: Office) -> HttpResponse:
    """The whole way of the message that `?id=` means, as far as it is the domains'; 404 for any other."""
    context = message_page(request, _scope(office))
    return show(request, office, "panel/delivery_of_message.html", at="deliveries", **context)


def _scope(office: Office) -> Scope:
    return EVERYTHING if office.sees_all else Scope(domains=office.domains)
