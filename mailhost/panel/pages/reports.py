"""What other hosts report about one's domains: DMARC (RFC 9990) and TLS (RFC 8460), in numbers and drawn."""

from functools import partial
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from delivery.reports.picture import PICTURE_DAYS, picture
from delivery.reports.summary import totals
from mailhost.panel.access import Office, for_domain_administrators
from mailhost.panel.pages.frame import show

MAX_DOMAINS: Final = 1_000  # of an operator's page


@require_GET
@partial(for_domain_administrators, and_operators=True)
def show_reports(request: HttpRequest, office: Office) -> HttpResponse:
    """Each domain with the sums of its last weeks."""
    days, domains = PICTURE_DAYS[0], office.reachable(most=MAX_DOMAINS + 1)
    rows = totals(domains=domains[:MAX_DOMAINS], days=days, now=timezone.now())
    is_cut = len(domains) > MAX_DOMAINS
    return show(request, office, "panel/reports.html", at="reports", rows=rows, days=days, is_cut=is_cut)


@require_GET
@partial(for_domain_administrators, and_operators=True)
def show_picture(request: HttpRequest, office: Office, domain: str) -> HttpResponse:
    """One domain, day by day; `?days=` of PICTURE_DAYS."""
    name = office.domain(domain)
    shown = picture(domain=name, asked_days=request.GET.get("days", ""), now=timezone.now())
    return show(request, office, "panel/picture.html", at="reports", **shown)
