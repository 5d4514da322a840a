"""The page for what went wrong, which says so in plain words where the database is away.

A handler rather than a middleware: sessions and sign-in touch the database in middleware of their own, and Django
turns what they raise into this handler's answer at each layer.
"""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string

from mailhost.net.store_threads import StoreUnavailable

RETRY_SECONDS = 10
AWAY = (OperationalError, InterfaceError, StoreUnavailable)
# What a message is written with. Nothing else that was posted goes back into a page: it may be a password.
KEPT = ("sender", "to", "cc", "bcc", "subject", "text", "kept", "send", "save")


def is_database_away(error: BaseException | None) -> bool:
    """Whether this error, or one that it came from, says that the database does not answer."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, AWAY):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


def server_error(request: HttpRequest) -> HttpResponse:
    """503 with a page that says that the database is away, or 500. Asks nothing of session or database."""
    if not is_database_away(sys.exc_info()[1]):
        return HttpResponse(render_to_string("500.html"), status=500)
    return database_away(request)


def database_away(request: HttpRequest) -> HttpResponse:
    """503. What was being sent stands in the page again, with a button that sends it once more."""
    context: dict[str, object] = {"may_refresh": request.method == "GET", "retry_seconds": RETRY_SECONDS}
    if request.method == "POST" and "text" in request.POST:
        context["csrf_token"] = get_token(request)
        context["kept"] = [(name, value) for name in KEPT for value in request.POST.getlist(name)]
        context["action"] = request.get_full_path()
    page = render_to_string("database_away.html", context)
    return HttpResponse(
        page, status=503, headers={"Retry-After": str(RETRY_SECONDS), "Cache-Control": "no-store"}
    )
