"""/queue: what waits to leave, and the verbs over it; by a key of an account for what its domains have sent."""

from datetime import timedelta
from typing import Annotated, Final

from django.http import HttpRequest
from django.utils import timezone
from ninja import Body, Path, Query, Router

from delivery.models import Holder
from delivery.queue import filtering, verbs
from delivery.queue.filtering import QueueFilter
from delivery.queue.verbs import Order, Run, Verb
from mailboxes.administration import domains_administered_by
from mailhost.api.keys import AnyKey, KeyOfAnAccount, actor, key_of
from mailhost.api.paging import DEFAULT_LIMIT, Cursor, Limit, number_cursor, read_number_cursor
from mailhost.api.problems import FilterEmpty, OrderInvalid
from mailhost.api.queue_schemas import (
    FilterBody,
    OrderBody,
    OrderDone,
    PreviewBody,
    QueuedRecipientBody,
    QueuePage,
    VerbBody,
)
from mailhost.api.responses import ACTING, reading

router = Router(tags=["Queue"])

BATCHES: Final = 5  # of one request: some seconds at most
MAX_DEFERRAL: Final = timedelta(days=366)
OPERATORS_ONLY: Final = frozenset({Verb.REDIRECT})  # where mail goes is the host's business
VerbName = Annotated[Verb, Path(description="What is to be done.")]


@router.get("/queue", response=reading(QueuePage), summary="List what waits to leave", auth=AnyKey())
def list_queue(
    request: HttpRequest,
    asked: Annotated[FilterBody, Query()],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> QueuePage:
    """The latest first, page by page. A key of an account sees what accounts of the domains it administers sent."""
    found = filtering.page(
        asked.asked(_sent_from(request)), limit=limit + 1, older_than=read_number_cursor(cursor)
    )
    following = number_cursor(found[limit - 1].pk) if len(found) > limit else None
    return QueuePage(items=[QueuedRecipientBody.of(row) for row in found[:limit]], next_cursor=following)


@router.post(
    "/queue/{verb}", response={**ACTING, 200: OrderDone}, summary="Do something to what waits", auth=AnyKey()
)
def act(request: HttpRequest, verb: VerbName, order: Annotated[OrderBody, Body()]) -> OrderDone:
    """Over all that the filter finds, ten thousand in a request: send it again with `next_cursor` until that is null.

    `bounce` reports to the sender and `cancel` does not. What waits for a host that mail is being sent to right now
    is neither bounced nor redirected, and counted as `busy`: `hold` it first. `redirect` is for operators' keys alone,
    and a key of an account releases what keys and pages of administrators have held, not what an operator holds.
    `/queue-orders` leaves the many to a worker.
    """
    told, asked = read_order(request, verb, order)
    if order.dry_run:
        seen = PreviewBody.of(filtering.preview(verbs.meant(told, asked)))
        return OrderDone(changed=0, busy=0, next_cursor=None, preview=seen)
    if order.cursor:
        last, _, after = order.cursor.partition("-")
        run = Run(int(last), int(after))
    else:
        run = verbs.begin(order=told, asked=asked)
    for _ in range(BATCHES):
        if not run.is_over:
            run = verbs.advance(order=told, asked=asked, run=run, by=actor(request), now=timezone.now())
    following = None if run.is_over else f"{run.last_id}-{run.after_id}"
    return OrderDone(changed=run.changed, busy=run.busy, next_cursor=following, preview=None)


def read_order(request: HttpRequest, verb: Verb, body: VerbBody) -> tuple[Order, QueueFilter]:
    """What the key orders, over what. Raises KeyOfAnAccount, FilterEmpty, OrderInvalid, DomainFact."""
    if verb in OPERATORS_ONLY and key_of(request).account_id is not None:
        raise KeyOfAnAccount
    asked, order = body.filter.asked(_sent_from(request)), _order(verb, body, _holder(request))
    if asked.is_everything and not body.everything:
        raise FilterEmpty
    try:
        verbs.meant(order, asked)
    except ValueError as error:
        raise OrderInvalid(error, field="filter.states") from error
    return order, asked


def _order(verb: Verb, body: VerbBody, holder: Holder) -> Order:
    to = verbs.next_hop(body.to) if body.to else ""
    if body.until is not None and body.until > timezone.now() + MAX_DEFERRAL:
        raise OrderInvalid("nothing is put off for more than a year", field="until")
    try:
        return Order(verb=verb, holder=holder, until=body.until, to=to, reply=body.reply)
    except ValueError as error:
        raise OrderInvalid(error, field="to" if verb is Verb.REDIRECT or to else "until") from error


def _holder(request: HttpRequest) -> Holder:
    return Holder.OPERATOR if key_of(request).account_id is None else Holder.ADMINISTRATOR


def _sent_from(request: HttpRequest) -> tuple[str, ...] | None:
    account_id = key_of(request).account_id
    return None if account_id is None else tuple(domains_administered_by(account_id=account_id))
