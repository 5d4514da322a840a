"""Why mail from one's domains does not arrive: what waits and what came back, by cause, with the next step."""

from functools import partial

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from delivery.causes import read_problems, read_problems_of
from mailhost.panel.access import Office, for_domain_administrators
from mailhost.panel.pages.frame import show


@require_GET
@partial(for_domain_administrators, and_operators=True)
def show_problems(request: HttpRequest, office: Office) -> HttpResponse:
    """Of all that accounts of these domains have sent; for operators, of all mail."""
    now = timezone.now()
    problems = (
        read_problems(now=now) if office.sees_all else read_problems_of(domains=office.domains, now=now)
    )
    return show(request, office, "panel/problems.html", at="problems", problems=problems)
