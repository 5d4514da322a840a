"""What came for one's domains and what they have sent, and what became of it: the trace as administrators see it."""

from functools import partial
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from delivery.trace.asking import EVERYTHING, Scope
from delivery.trace.pages import message_page, search_page
from mailhost.panel.access import Office, for_domain_administrators
from mailhost.panel.pages.frame import show

MAX_CHOICES: Final = 200  # domains that an operator chooses among


@require_GET
@partial(for_domain_administrators, and_operators=True)
def show_deliveries(request: HttpRequest, office: Office) -> HttpResponse:
    """The newest of all domains, or those that the search means. One that makes no sense finds nothing.

    One domain can be chosen among those that are shown, where they are not too many for that: then it is searched for.
    """
    domains = office.reachable(most=MAX_CHOICES + 1)
    choices = () if office.sees_all and len(domains) > MAX_CHOICES else tuple(domains)
    context, status = search_page(request, _scope(office), domains=choices)
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
