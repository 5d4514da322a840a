"""Puts the API together. mailhost/urls.py includes this under `api/`."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, path, re_path
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI

from mailhost.api import (
    accounts,
    administrators,
    aliases,
    delivery_problems,
    delivery_status,
    dkim,
    domains,
    filters,
    message_trace,
    messages,
    queue,
    queue_orders,
    routes,
    suppressions,
    trace,
    waiting,
)
from mailhost.api.keys import AnyKey, BearerKey
from mailhost.api.problems import body_too_large, explain_to, unknown_path, wrong_method

MAX_BODY_OCTETS: Final = 1 << 20  # an alias with its most and longest targets takes a third of it

DESCRIPTION = """\
Provisions domains, accounts and aliases under natural keys: `/domains/example.org/accounts/alice`.

Make a key with `manage.py add_api_key NAME` and send it as `Authorization: Bearer KEY`. PUT can be repeated: it \
makes what is not there (201) and changes what is (200); fields left out stay as they are. Every answer from 400 on \
has the body `{"error": {"code", "message", "field"}}`; codes do not change. Lists come in pages: pass \
`next_cursor` as `cursor`. A key made with `--account LOGIN` may ask for `/trace`, `/delivery-status`, \
`/waiting`, `/messages`, `/queue` and `/queue-orders` alone: what came for that account and the domains that it \
administers, what it sent, what of that has not left, sending itself, and what those domains send; and for \
`/delivery-problems` and `/suppressions`: why that does not arrive, and where it is not sent any more. A 503 says in \
`Retry-After` when to try again.
"""

MESSAGES: Final = "/api/v1/messages"

View = Callable[..., HttpResponseBase]

api = NinjaAPI(
    title="Mail host",
    version="1",
    description=DESCRIPTION,
    docs_url=None,
    urls_namespace="api",
    auth=BearerKey(),
)
for router in (
    domains.router,
    accounts.router,
    aliases.router,
    administrators.router,
    dkim.router,
    filters.router,
    queue.router,
    queue_orders.router,
    routes.router,
    trace.router,
    message_trace.router,
    delivery_status.router,
    delivery_problems.router,
    suppressions.router,
    waiting.router,
    messages.router,
):
    api.add_router("", router)
explain_to(api)


def is_large(request: HttpRequest) -> bool:
    """Whether it says so, or does not say."""
    length = request.META.get("CONTENT_LENGTH") or ""
    return not (length.isdigit() and int(length) <= MAX_BODY_OCTETS)


def read_large_body(request: HttpRequest, *, limit: int) -> None:
    """Reads the body beyond Django's own bound, which is for forms. Raises RequestDataTooBig."""
    body = request.read(limit + 1)
    if len(body) > limit:
        raise RequestDataTooBig
    request._body = body  # where Django keeps what it has read


def guarded(view: View) -> View:
    """Bounds the body, and words what django-ninja says in plain text. No cookie counts here, so no CSRF either."""

    @csrf_exempt
    @never_cache
    @wraps(view)
    def guarded_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            if is_large(request) and request.path == MESSAGES and AnyKey()(request) is not None:
                # With a key alone: strangers do not make this host hold much for them.
                read_large_body(request, limit=settings.API_MESSAGE_OCTETS)
            elif len(request.body) > MAX_BODY_OCTETS:
                return body_too_large(request)
            response = view(request, *args, **kwargs)
        except RequestDataTooBig:  # Django's own bound, before it reads
            return body_too_large(request)
        except Http404:
            return unknown_path(request)
        if response.status_code == 405:
            return wrong_method(request, ", ".join(sorted(response["Allow"].split(", "))))
        return response

    return guarded_view


def guarded_urls() -> list[URLPattern | URLResolver]:
    """django-ninja's own patterns, each behind the guard."""
    patterns: list[URLPattern | URLResolver] = api.urls[0]
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            pattern.callback = guarded(pattern.callback)
    return patterns


@csrf_exempt
def nowhere(request: HttpRequest) -> HttpResponse:
    """Every other path below /api/, whatever the method."""
    return unknown_path(request)


urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", (guarded_urls(), "ninja", "api")),
    re_path("", nowhere),
]
