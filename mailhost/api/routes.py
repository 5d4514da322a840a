"""/routes: by which ways mail leaves. For operators' keys."""

from typing import Annotated, Any, Final

from django.http import HttpRequest
from django.utils import timezone
from ninja import Body, Path, Router, Status
from pydantic import Field

from delivery.models import OutboundRoute, RouteTls
from delivery.routes.making import (
    MAX_LISTED,
    MAX_SECRET,
    RouteNotFound,
    RoutePlan,
    put_route,
    remove_route,
)
from mailhost.api.keys import actor
from mailhost.api.paging import DEFAULT_LIMIT, Cursor, Limit, page
from mailhost.api.responses import DELETING, putting, reading
from mailhost.api.schemas import Described, Page

router = Router(tags=["Routes"])

MAX_DOMAIN: Final = 255
Name = Annotated[str, Path(description="A route's name.", examples=["newsletters"])]
Domains = Annotated[
    list[Annotated[str, Field(max_length=MAX_DOMAIN)]],
    Field(max_length=MAX_LISTED, description="`*.example.org`: all below one. Empty: any."),
]


class RouteBody(Described):
    """A route as it is; its password is never told."""

    name: str
    smarthost: str = Field(description="Empty: the recipients' own mail servers.")
    port: int
    tls: str = Field(description=f"One of {', '.join(RouteTls.values)}.", examples=["required"])
    login: str
    has_password: bool
    allows_clear: bool = Field(description="The password may be said where nobody was verified, or in clear.")
    sending_domains: list[str]
    recipient_domains: list[str]
    sources: list[str] = Field(description="Addresses to send from, each with its EHLO name behind it.")
    ehlo_name: str

    @classmethod
    def of(cls, row: OutboundRoute) -> "RouteBody":
        """From the row."""
        told = {name: getattr(row, name) for name in cls.model_fields if name != "has_password"}
        return cls(**told, has_password=bool(row.password))


class RoutePage(Page):
    """Routes by name."""

    items: list[RouteBody]


class RouteChange(Described):
    """What is left out stays as it is; of a new route it is as in an empty one."""

    smarthost: str | None = Field(default=None, max_length=MAX_DOMAIN)
    port: int | None = Field(default=None, ge=1, le=65_535)
    tls: RouteTls | None = None
    login: str | None = Field(default=None, max_length=MAX_SECRET)
    password: str | None = Field(default=None, max_length=MAX_SECRET)
    allows_clear: bool | None = None
    sending_domains: Domains | None = None
    recipient_domains: Domains | None = None
    sources: Domains | None = None
    ehlo_name: str | None = Field(default=None, max_length=MAX_DOMAIN)


NO_CHANGE: Final = RouteChange()


@router.get("/routes", response=reading(RoutePage), summary="List routes")
def list_routes(request: HttpRequest, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = "") -> RoutePage:
    """By name, page by page."""
    rows, following = page(OutboundRoute.objects.all(), key="name", limit=limit, cursor=cursor)
    return RoutePage(items=[RouteBody.of(row) for row in rows], next_cursor=following)


@router.get("/routes/{name}", response=reading(RouteBody), summary="Read a route")
def get_route(request: HttpRequest, name: Name) -> RouteBody:
    """404 where there is none of this name."""
    return RouteBody.of(_find(name))


@router.put("/routes/{name}", response=putting(RouteBody), summary="Make or change a route")
def set_route(
    request: HttpRequest, name: Name, change: Annotated[RouteChange, Body()] = NO_CHANGE
) -> Status[RouteBody]:
    """Makes it (201) or changes what is given (200). What waits in the queue is moved within a minute."""
    row = OutboundRoute.objects.filter(name=name.strip()).first()
    values: dict[str, Any] = {"name": name}
    for column in RoutePlan.__dataclass_fields__:
        given = getattr(change, column, None)
        if given is not None:
            values[column] = tuple(given) if isinstance(given, list) else given
        elif row is not None and column not in ("name", "password"):
            kept = getattr(row, column)
            values[column] = tuple(kept) if isinstance(kept, list) else kept
    changed = put_route(
        plan=RoutePlan(**values), route_id=row.pk if row else None, by=actor(request), now=timezone.now()
    )
    return Status(200 if row else 201, RouteBody.of(changed))


@router.delete("/routes/{name}", response=DELETING, summary="Remove a route")
def delete_route(request: HttpRequest, name: Name) -> Status[None]:
    """What waits for it goes another way, within a minute."""
    remove_route(route_id=_find(name).pk, by=actor(request), now=timezone.now())
    return Status(204, None)


def _find(name: str) -> OutboundRoute:
    row = OutboundRoute.objects.filter(name=name.strip()).first()
    if row is None:
        raise RouteNotFound(f"There is no route {name}.")
    return row
