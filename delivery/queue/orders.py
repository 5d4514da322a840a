"""Verbs over thousands, carried out beside the pages: a row says how far each has come, and any worker goes on.

Each batch is one transaction with the row, which is locked first and nowhere else behind other locks: two workers take
turns, a killed one loses nothing, and what was done is never counted twice.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from celery import current_app
from django.db import OperationalError, transaction
from django.db.models import Max, QuerySet
from kombu.exceptions import OperationalError as BrokerAway

from delivery.models import Holder, OrderState, QueuedRecipient, QueueOrder
from delivery.queue import verbs
from delivery.queue.filtering import QueueFilter, find
from delivery.queue.verbs import Order, Run, Verb
from mailboxes.administration import domains_administered_by
from mailboxes.api_keys import ACTOR_PREFIX, find_actor
from mailboxes.models import Account, ApiKey

log = structlog.get_logger(__name__)

CARRY_OUT: Final = "delivery.carry_out_orders"
AT_ONCE: Final = 200  # recipients that are no reason to wait for a worker
TURN: Final = timedelta(seconds=20)  # of one task, which then queues up again behind others
KEPT: Final = timedelta(days=30)


class OrderOver(Exception):
    """The order is not under way any more."""

    def __init__(self, order_id: int) -> None:
        super().__init__(f"Order {order_id} is over: there is nothing to stop.")


def place(*, order: Order, asked: QueueFilter, by: str, now: datetime) -> QueueOrder:
    """Writes the order down; what is queued from now on is not meant. Raises ValueError where the verb leads nowhere.

    Few recipients are done with when this returns, more of them soon.
    """
    meant = verbs.meant(order, asked)
    last_id = QueuedRecipient.objects.aggregate(last=Max("pk"))["last"] or 0
    few = find(meant).filter(pk__lte=last_id).values("pk")[: AT_ONCE + 1].count()
    row = QueueOrder.objects.create(
        by=by,
        holder=order.holder,
        verb=order.verb,
        until=order.until,
        to=order.to,
        reply=order.reply if order.verb is Verb.BOUNCE else "",
        asked={name: value for name, value in asked.told().items() if name != "sent_from"},
        sent_from=None if asked.sent_from is None else list(asked.sent_from),
        total=few if few <= AT_ONCE else None,
        last_id=last_id,
        ordered_at=now,
        moved_at=now,
    )
    if few <= AT_ONCE:
        go_on(row.pk, now=now)
        row.refresh_from_db()
    else:
        transaction.on_commit(orders_are_due)
    return row


def carry_out(*, clock: Callable[[], datetime]) -> bool:
    """Goes on with all orders in turn, for a while; whether something is left."""
    until = clock() + TURN
    while running := list(_running().values_list("pk", flat=True)):
        # What another worker is at just now is left to it.
        moved = [go_on(pk, now=clock()) for pk in running]
        if not any(moved):
            return False
        if clock() >= until:
            return True
    return False


def go_on(order_id: int, *, now: datetime) -> bool:
    """One batch of the order; False where it is over, or another has it in hand. A fault ends it, and is kept."""
    try:
        with transaction.atomic():
            row = _running().select_for_update(skip_locked=True).filter(pk=order_id).first()
            if row is None:
                return False
            key = find_actor(row.by, since=row.ordered_at, now=now) if _is_by_key(row) else None
            order, asked = _read(row, key)
            if (asked.sent_from == () and row.sent_from) or (key is None and _is_by_key(row)):
                row.state, row.ended_at = OrderState.STOPPED, now
                row.save(update_fields=["state", "ended_at"])
                return False
            if row.total is None:
                row.total = find(verbs.meant(order, asked)).filter(pk__lte=row.last_id).count()
            run = Run(row.last_id, row.after_id, row.changed, row.busy)
            run = verbs.advance(order=order, asked=asked, run=run, by=row.by, now=now)
            row.after_id, row.changed, row.busy, row.moved_at = run.after_id, run.changed, run.busy, now
            if run.is_over:
                row.state, row.ended_at = OrderState.DONE, now
            row.save()
        return True
    except OperationalError:
        raise  # the database is away, or had to choose: nothing is lost, and the next task goes on
    except Exception as error:
        log.error("an order over the queue failed", order_id=order_id, exc_info=error)
        _running().filter(pk=order_id).update(state=OrderState.FAILED, error=str(error)[:500], ended_at=now)
        return False


def stop(order_id: int, *, now: datetime) -> None:
    """After the batch that is under way. What is done stays done. Raises OrderOver."""
    if not _running().filter(pk=order_id).update(state=OrderState.STOPPED, ended_at=now):
        raise OrderOver(order_id)


def orders_of(*, by: str | None) -> "QuerySet[QueueOrder]":
    """The latest first: somebody's, or everybody's (None)."""
    rows = QueueOrder.objects.order_by("-pk")
    return rows if by is None else rows.filter(by=by)


def forget(*, now: datetime) -> None:
    """Removes what ended long ago: the audit trail has it."""
    QueueOrder.objects.filter(ended_at__lt=now - KEPT).delete()


def share_done(row: QueueOrder) -> float:
    """How much of it is done, of 1."""
    if row.state == OrderState.DONE:
        return 1.0
    return min((row.changed + row.busy) / row.total, 1.0) if row.total else 0.0


def orders_are_due() -> None:
    """A notice to a worker, now; without Redis the clock's next one does."""
    try:
        current_app.send_task(CARRY_OUT, expires=60, ignore_result=True, retry=False)
    except (BrokerAway, OSError) as error:
        log.info("the worker could not be told of an order", error=str(error))


def _running() -> "QuerySet[QueueOrder]":
    return QueueOrder.objects.filter(state=OrderState.RUNNING).order_by("pk")


def _is_by_key(row: QueueOrder) -> bool:
    return row.by.startswith(ACTOR_PREFIX)


def _read(row: QueueOrder, key: ApiKey | None) -> tuple[Order, QueueFilter]:
    asked, domains = row.asked, row.sent_from
    if domains is not None:
        asked = {**asked, "sent_from": _reached(row, domains, key)}
    order = Order(
        verb=Verb(row.verb),
        holder=Holder(row.holder),
        until=row.until,
        to=row.to,
        reply=row.reply,
    )
    return order, QueueFilter.of(asked)


def _reached(row: QueueOrder, domains: list[str], key: ApiKey | None) -> list[str]:
    """Those of the domains that whoever gave the order administers still: a right that ends, ends there as well."""
    if row.holder != Holder.ADMINISTRATOR:
        return domains
    if _is_by_key(row):
        account_id = key.account_id if key is not None else None
    else:
        account_id = Account.objects.filter(login=row.by).values_list("pk", flat=True).first()
    administered = domains_administered_by(account_id=account_id) if account_id is not None else []
    return [name for name in domains if name in administered]
