"""What all pages of the panel have around them."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from mailhost.panel.access import Office


def show(
    request: HttpRequest, office: Office, template: str, *, at: str, status: int = 200, **context: Any
) -> HttpResponse:
    """The page with the panel's own links at its side; `at` says which of them it belongs to."""
    frame = {"account": office.account, "domains": office.domains, "at": at}
    return render(request, template, frame | context, status=status)
