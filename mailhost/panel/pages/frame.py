"""What all pages of the panel have around them."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from mailhost.panel.access import Office, for_domain_administrators


def show(
    request: HttpRequest, office: Office, template: str, *, at: str, status: int = 200, **context: Any
) -> HttpResponse:
    """The page with the panel's own links at its side; `at` says which of them it belongs to."""
    return render(request, template, framed(office, at=at, **context), status=status)


def framed(office: Office, *, at: str, **context: Any) -> dict[str, Any]:
    """What the template of such a page is given. sees_all: this page is about all domains, others may not be."""
    shown = {
        "account": office.account,
        "domains": office.domains,
        "sees_all": office.sees_all,
        "at": at,
    }
    return shown | context


def _go_to_first_page(request: HttpRequest, office: Office) -> HttpResponse:
    """An operator who administers no domain begins with the queue."""
    return redirect("panel:deliveries" if office.domains else "panel:queue")


start = require_safe(for_domain_administrators(_go_to_first_page, and_operators=True))
