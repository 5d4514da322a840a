"""What all pages of the panel have around them."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from mailhost.panel.access import Office


def show(
    request: HttpRequest, office: Office, template: str, *, at: str, status: int = 200, **context: Any
) -> HttpResponse:
    """The page with the panel's own links at its side; `at` says which of them it belongs to."""
    return render(request, template, framed(office, at=at, **context), status=status)


def framed(office: Office, *, at: str, **context: Any) -> dict[str, Any]:
    """What the template of such a page is given."""
    return {"account": office.account, "domains": office.domains, "at": at} | context
