"""/routes: by which ways mail leaves. For operators' keys."""

from typing import Annotated, Any, Final, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Body, Path, Router, Status
from pydantic import AfterValidator, Field

from delivery.models import OutboundRoute
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
from mailhost.api.schemas import Change, Described, Page, left_out, printable

router = Router(tags=["Routes"])

MAX_DOMAIN: Final = 255
TLS: Final = (
    "`opportunistic`: where it is offered, and as DANE and MTA-STS ask; `required`: STARTTLS, with a certificate for "
    "the host's name; `implicit`: likewise from the first octet; `none`: never."
)
SOURCES: Final = "Addresses of this machine to send from, each with its EHLO name behind it."
Name = Annotated[
    str, AfterValidator(printable), Path(description="A route's name.", examples=["newsletters"])
]
Domain = Annotated[str, Field(max_length=MAX_DOMAIN)]
Tls = Literal["opportunistic", "required", "implicit", "none"]  # RouteTls


class RouteBody(Described):
    """A route as it is; its password is never told."""

    name: str = Field(examples=["newsletters"])
    smarthost: str = Field(
        description="Empty: the recipients' own mail servers.", examples=["smtp.example.net"]
    )
    port: int = Field(description="Of the smarthost.", examples=[587])
    tls: Tls = Field(description=TLS, examples=["required"])
    login: str = Field(description="What the smarthost is told; empty: nothing.", examples=["example-org"])
    has_password: bool = Field(description="There is one, which is kept encrypted.")
    allows_clear: bool = Field(description="The password may be said where nobody was verified, or in clear.")
    sending_domains: list[str] = Field(description="Whose mail goes this way; empty: anybody's.")
    recipient_domains: list[str] = Field(
        description="To where; empty: anywhere.", examples=[["*.example.com"]]
    )
    sources: list[str] = Field(description=SOURCES, examples=[["192.0.2.25 out.example.org"]])
    ehlo_name: str = Field(description="Said from addresses without a name; empty: this host's.")

    @classmethod
    def of(cls, row: OutboundRoute) -> "RouteBody":
        """From the row."""
        told = {name: getattr(row, name) for name in cls.model_fields if name != "has_password"}
        return cls(**told, has_password=bool(row.password))


class RoutePage(Page):
    """Routes by name."""

    items: list[RouteBody]


class RouteChange(Change):
    """A route, as it is to be."""

    smarthost: Annotated[str, Field(max_length=MAX_DOMAIN)] = Field(
        default_factory=left_out,
        description="A name or an address; empty: the recipients' own mail servers. New: empty.",
        examples=["smtp.example.net"],
    )
    port: Annotated[int, Field(ge=1, le=65_535)] = Field(
        default_factory=left_out, description="Of the smarthost. New: 587.", examples=[587]
    )
    tls: Tls = Field(
        default_factory=left_out, description=f"{TLS} New: opportunistic.", examples=["required"]
    )
    login: Annotated[str, Field(max_length=MAX_SECRET)] = Field(
        default_factory=left_out,
        description="What the smarthost is told; empty: nothing, and the password goes. New: empty.",
        examples=["example-org"],
    )
    password: Annotated[str, Field(max_length=MAX_SECRET)] = Field(
        default_factory=left_out,
        description="Needed with a login that is new, or for another smarthost; never told again.",
        json_schema_extra={"writeOnly": True, "format": "password"},
    )
    allows_clear: bool = Field(
        default_factory=left_out,
        description="The password may be said where nobody was verified, or in clear. New: false.",
    )
    sending_domains: Annotated[list[Domain], Field(max_length=MAX_LISTED)] = Field(
        default_factory=left_out,
        description="Whose mail goes this way, `*.example.org` for all below one: the whole list; empty: anybody's. "
        "New: empty.",
        examples=[["example.org"]],
    )
    recipient_domains: Annotated[list[Domain], Field(max_length=MAX_LISTED)] = Field(
        default_factory=left_out,
        description="To where, `*.example.org` for all below one: the whole list; empty: anywhere. New: empty.",
        examples=[["*.example.com"]],
    )
    sources: Annotated[list[Domain], Field(max_length=MAX_LISTED)] = Field(
        default_factory=left_out,
        description=f"{SOURCES} The whole list; empty: as the system chooses. New: empty.",
        examples=[["192.0.2.25 out.example.org"]],
    )
    ehlo_name: Annotated[str, Field(max_length=MAX_DOMAIN)] = Field(
        default_factory=left_out,
        description="Said from addresses without a name; empty: this host's. New: empty.",
        examples=["out.example.org"],
    )


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
    """Makes it (201) or changes what is given (200). What waits in the queue is moved within a minute.

    Where several routes fit a message, the one that names its recipient's domain counts first, then the sender's; two
    for the same mail are refused.
    """
    row = OutboundRoute.objects.filter(name=name.strip()).first()
    given = change.given()
    values: dict[str, Any] = {"name": name}
    for column in RoutePlan.__dataclass_fields__:
        if column in given:
            value = given[column]
        elif row is not None and column not in ("name", "password"):
            value = getattr(row, column)
        else:
            continue
        values[column] = tuple(value) if isinstance(value, list) else value
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
