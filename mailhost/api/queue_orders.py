"""/queue-orders: verbs over the queue that a worker carries out, while the caller looks how far it is."""

from datetime import datetime
from typing import Annotated, Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from ninja import Body, Path, Router, Status
from pydantic import ConfigDict, Field

from delivery.models import OrderState, QueueOrder
from delivery.queue import filtering, orders, verbs
from delivery.queue.verbs import Verb
from mailhost.api.keys import AnyKey, actor, key_of
from mailhost.api.paging import DEFAULT_LIMIT, Cursor, Limit, number_cursor, read_number_cursor
from mailhost.api.problems import OrderNotFound, TooManyOrders
from mailhost.api.queue import read_order
from mailhost.api.queue_schemas import PreviewBody, VerbBody
from mailhost.api.responses import ACTING, WRITES, reading
from mailhost.api.schemas import Described, Page

router = Router(tags=["Queue"])

MAX_RUNNING: Final = 20  # orders of one key under way: workers go on with all of them in turn
MAX_ID: Final = (1 << 63) - 1
OrderId = Annotated[int, Path(description="The order's `id`.", ge=1, le=MAX_ID)]


class QueueOrderChange(VerbBody):
    """A verb over all that the filter finds when it is ordered. Other fields are refused, as `dry_run` of `/queue`."""

    model_config = ConfigDict(extra="forbid")

    verb: Verb = Field(description="What is to be done.")


class QueueOrderBody(Described):
    """An order over the queue, and how far it has come."""

    id: int
    verb: str = Field(examples=["hold"])
    by: str = Field(description="Who gave it, as the audit trail has it.")
    state: str = Field(description=f"One of {', '.join(OrderState.values)}.", examples=["running"])
    filter: dict[str, Any] = Field(description="What it asks for.")
    until: datetime | None = Field(description="Of `defer`.")
    to: str = Field(description="Of `redirect`.")
    reply: str = Field(description="Of `bounce`.")
    total: int | None = Field(description="Recipients that were meant; null until a worker has counted them.")
    changed: int = Field(description="Recipients that it has changed so far.")
    busy: int = Field(description="Left as they were: just being sent, or in somebody else's hands.")
    error: str = Field(description="Why it failed, where it did. The rest is as it was.")
    ordered_at: datetime
    moved_at: datetime = Field(description="When it last went on.")
    ended_at: datetime | None

    @classmethod
    def of(cls, row: QueueOrder) -> "QueueOrderBody":
        """From the row."""
        same = {name: getattr(row, name) for name in cls.model_fields if name not in ("id", "filter")}
        return cls(id=row.pk, filter=row.asked, **same)


class QueueOrderPlaced(QueueOrderBody):
    """An order that was just given."""

    preview: PreviewBody = Field(description="What it was given over, at that moment.")


class QueueOrderPage(Page):
    """The latest first."""

    items: list[QueueOrderBody]


@router.post(
    "/queue-orders",
    response={202: QueueOrderPlaced, **WRITES},
    summary="Order a worker to do something to what waits",
    auth=AnyKey(),
)
def place_order(
    request: HttpRequest, response: HttpResponse, order: Annotated[QueueOrderChange, Body()]
) -> Status[QueueOrderPlaced]:
    """As `/queue/VERB` over thousands, without going on: `Location` says where to ask how far it is.

    What is queued later is not meant. Few recipients are done with at once, and `state` is `done` then. The order ends
    where the key does, or its account's right to the domains. 409 where too many orders of this key are under way.
    Ask first, with `dry_run` at `/queue/VERB`, what would be.
    """
    told, asked = read_order(request, order.verb, order)
    if _seen_by(request).filter(by=actor(request), state=OrderState.RUNNING).count() >= MAX_RUNNING:
        raise TooManyOrders(MAX_RUNNING)
    seen = PreviewBody.of(filtering.preview(verbs.meant(told, asked)))
    row = orders.place(order=told, asked=asked, by=actor(request), now=timezone.now())
    response["Location"] = reverse("api:show_order", args=[row.pk])
    placed = QueueOrderPlaced(**QueueOrderBody.of(row).model_dump(), preview=seen)
    return Status(202, placed)


@router.get("/queue-orders", response=reading(QueueOrderPage), summary="List orders", auth=AnyKey())
def list_orders(request: HttpRequest, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = "") -> QueueOrderPage:
    """The latest first, for 30 days after they end: by an operator's key all, those of pages too; otherwise its own."""
    rows, before = _seen_by(request), read_number_cursor(cursor)
    found = list((rows if before is None else rows.filter(pk__lt=before))[: limit + 1])
    following = number_cursor(found[limit - 1].pk) if len(found) > limit else None
    return QueueOrderPage(items=[QueueOrderBody.of(row) for row in found[:limit]], next_cursor=following)


@router.get(
    "/queue-orders/{int:order_id}",
    response=reading(QueueOrderBody),
    summary="Look how far an order is",
    auth=AnyKey(),
    url_name="show_order",
)
def show_order(request: HttpRequest, order_id: OrderId) -> QueueOrderBody:
    """Until `state` is no longer `running`."""
    return QueueOrderBody.of(_find(request, order_id))


@router.post("/queue-orders/{int:order_id}/stop", response=ACTING, summary="Stop an order", auth=AnyKey())
def stop_order(request: HttpRequest, order_id: OrderId) -> Status[None]:
    """After the batch that is under way: what is done stays done, the rest as it is. 409 once it is over."""
    orders.stop(_find(request, order_id).pk, now=timezone.now())
    return Status(204, None)


def _seen_by(request: HttpRequest) -> "QuerySet[QueueOrder]":
    """A key of an account sees its own: not those of an earlier key of its name."""
    key = key_of(request)
    if key.account_id is None:
        return orders.orders_of(by=None)
    return orders.orders_of(by=actor(request)).filter(ordered_at__gte=key.created_at)


def _find(request: HttpRequest, order_id: int) -> QueueOrder:
    row = _seen_by(request).filter(pk=order_id).first()
    if row is None:
        raise OrderNotFound(order_id)
    return row
