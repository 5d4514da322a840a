"""Verbs over many, batch by batch: what a killed worker leaves goes on, and what is done is counted once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import OperationalError
from pytest_django import Settings

from delivery.models import Holder, OrderState, QueuedMessage, QueuedRecipient, QueueOrder
from delivery.queue import orders, verbs
from delivery.queue.filtering import QueueFilter
from delivery.queue.orders import carry_out, go_on, place, share_done, stop
from delivery.queue.verbs import Order, Verb
from delivery.tasks import carry_out_orders, survey_queue
from mailboxes.accounts import change_account, remove_account
from mailboxes.administration import appoint_administrator, withdraw_administrator
from mailboxes.models import Account
from mailhost.audit.models import Act
from mailhost.celery import app
from tests.support.hosting import new_account, new_domain
from tests.support.queueing import NOON, queue, state

pytestmark = pytest.mark.django_db


Ends = Callable[[Account, list[str]], None]


def withdrawn(ada: Account, ours: list[str]) -> None:
    for domain in ours:
        withdraw_administrator(domain=domain, login=ada.login, by="test")


def disabled(ada: Account, ours: list[str]) -> None:
    change_account(account_id=ada.pk, is_enabled=False, by="test")


def removed(ada: Account, ours: list[str]) -> None:
    remove_account(account_id=ada.pk, by="test")


@pytest.fixture(autouse=True)
def in_small_batches(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Two recipients in each, and nothing is done at once."""
    settings.RELAY = "direct"
    for name in ("enqueue.relay_is_due", "verbs.relay_is_due", "orders.orders_are_due"):
        monkeypatch.setattr(f"delivery.queue.{name}", lambda: None)
    monkeypatch.setattr(verbs, "BATCH", 2)
    monkeypatch.setattr(orders, "AT_ONCE", 0)


def hold(**asked: str) -> QueueOrder:
    return place(order=Order(verb=Verb.HOLD), asked=QueueFilter(**asked), by="root", now=NOON)  # type: ignore[arg-type]


def states() -> list[str]:
    return list(QueuedRecipient.objects.order_by("pk").values_list("state", flat=True))


def test_an_order_goes_on_from_what_is_written_down() -> None:
    queue(*(f"r{number}@far.test" for number in range(5)))
    order = hold(next_hop="far.test")
    queue("later@far.test")
    assert go_on(order.pk, now=NOON)
    order.refresh_from_db()
    assert (order.total, order.changed, order.state, share_done(order)) == (5, 2, OrderState.RUNNING, 0.4)
    assert not carry_out(clock=lambda: NOON)  # any worker, which knows nothing but the row
    order.refresh_from_db()
    assert (order.changed, order.state, order.ended_at, share_done(order)) == (5, OrderState.DONE, NOON, 1.0)
    assert states() == ["held"] * 5 + ["queued"]
    acts = Act.objects.filter(verb="queue hold").order_by("pk")
    assert [(act.actor, act.details["count"]) for act in acts] == [("root", 2), ("root", 2), ("root", 1)]


def test_a_batch_that_fails_is_undone_with_its_count_and_the_database_may_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue(*(f"r{number}@far.test" for number in range(3)))
    order = hold(next_hop="far.test")
    advance = verbs.advance

    def away(**words: object) -> None:
        advance(**words)  # type: ignore[arg-type]
        raise OperationalError("the server closed the connection")

    with monkeypatch.context() as patch:
        patch.setattr(verbs, "advance", away)
        with pytest.raises(OperationalError):
            go_on(order.pk, now=NOON)
    assert states() == ["queued"] * 3
    assert not Act.objects.filter(verb="queue hold").exists()
    carry_out(clock=lambda: NOON)
    assert states() == ["held"] * 3


def test_a_fault_of_ours_ends_the_order_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    queue("bob@far.test")
    order = hold(next_hop="far.test")

    def wrong(**_: object) -> None:
        raise ArithmeticError("no such number")

    monkeypatch.setattr(verbs, "advance", wrong)
    assert not carry_out(clock=lambda: NOON)
    order.refresh_from_db()
    assert (order.state, order.error, order.ended_at) == (OrderState.FAILED, "no such number", NOON)
    assert states() == ["queued"]


def test_one_order_keeps_no_other_one_back() -> None:
    queue(*(f"r{number}@far.test" for number in range(4)))
    queue("bob@near.test")
    long, short = hold(next_hop="far.test"), hold(next_hop="near.test")
    for order in (long, short):
        go_on(order.pk, now=NOON)
    assert state("bob@near.test") == "held"
    assert QueueOrder.objects.get(pk=long.pk).state == OrderState.RUNNING


def test_a_task_gives_way_after_its_turn() -> None:
    queue(*(f"r{number}@far.test" for number in range(9)))
    hold(next_hop="far.test")
    moments = iter(NOON + number * orders.TURN / 2 for number in range(99))
    assert carry_out(clock=lambda: next(moments))
    assert 0 < states().count("held") < 9


def test_what_is_stopped_stays_as_far_as_it_came() -> None:
    queue(*(f"r{number}@far.test" for number in range(5)))
    order = hold(next_hop="far.test")
    go_on(order.pk, now=NOON)
    stop(order.pk, now=NOON)
    assert not carry_out(clock=lambda: NOON)
    assert states().count("held") == 2


def test_an_order_reaches_what_it_reached_when_it_was_given() -> None:
    queue("bob@far.test")
    order, ada, ours, _ = cancelled_by_an_administrator()
    assert (order.sent_from, order.holder) == (ours, "administrator")
    carry_out(clock=lambda: NOON)
    assert states() == ["queued"]
    assert orders.orders_of(by=ada.login).count() == 1
    assert orders.orders_of(by="eve@x.test").count() == 0


def cancelled_by_an_administrator(*, number: int = 0) -> tuple[QueueOrder, Account, list[str], list[Account]]:
    """Her order over all that her two domains have sent, so many by an account of each; and all of them."""
    ours, ada = sorted([new_domain(), new_domain()]), new_account("ada")
    senders = [new_account("bob", domain=domain) for domain in ours]
    for domain, sender in zip(ours, senders, strict=True):
        appoint_administrator(domain=domain, login=ada.login, by="test")
        for each in range(number):
            pk = queue(f"r{each}@far.test", reverse_path=sender.login)
            QueuedMessage.objects.filter(pk=pk).update(account=sender)
    verb = Order(verb=Verb.CANCEL, holder=Holder.ADMINISTRATOR)
    order = place(order=verb, asked=QueueFilter(sent_from=tuple(ours)), by=ada.login, now=NOON)
    return order, ada, ours, senders


def of(sender: Account) -> list[str]:
    rows = QueuedRecipient.objects.filter(message__account=sender).order_by("pk")
    return list(rows.values_list("state", flat=True))


def test_who_administers_a_domain_no_more_changes_nothing_of_it_any_more() -> None:
    order, ada, ours, (first, second) = cancelled_by_an_administrator(number=4)
    assert go_on(order.pk, now=NOON)
    withdraw_administrator(domain=ours[0], login=ada.login, by="test")
    assert not carry_out(clock=lambda: NOON)
    assert of(first) == ["cancelled"] * 2 + ["queued"] * 2
    assert of(second) == ["cancelled"] * 4


@pytest.mark.parametrize("ends", [withdrawn, disabled, removed])
def test_an_order_of_who_administers_nothing_more_is_stopped(ends: Ends) -> None:
    order, ada, ours, (first, second) = cancelled_by_an_administrator(number=4)
    assert go_on(order.pk, now=NOON)
    ends(ada, ours)
    assert not carry_out(clock=lambda: NOON)
    order.refresh_from_db()
    assert (order.state, order.changed, order.ended_at) == (OrderState.STOPPED, 2, NOON)
    assert (of(first) + of(second)).count("cancelled") == 2


def test_few_are_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "AT_ONCE", 3)
    monkeypatch.setattr(verbs, "BATCH", 3)
    queue(*(f"r{number}@far.test" for number in range(3)))
    assert hold(next_hop="far.test").state == OrderState.DONE


def test_what_ended_long_ago_is_forgotten() -> None:
    queue("bob@far.test")
    order = hold(next_hop="far.test")
    orders.forget(now=NOON + timedelta(days=99))
    assert QueueOrder.objects.filter(pk=order.pk).exists()  # it runs yet
    carry_out(clock=lambda: NOON)
    orders.forget(now=NOON + timedelta(days=29))
    assert QueueOrder.objects.filter(pk=order.pk).exists()
    orders.forget(now=NOON + timedelta(days=31))
    assert not QueueOrder.objects.filter(pk=order.pk).exists()


def test_the_clock_knows_the_tasks() -> None:
    told = {each["task"]: each["schedule"] for each in app.conf.beat_schedule.values()}
    assert told[survey_queue.name] == settings.QUEUE_SURVEY_SECONDS
    assert carry_out_orders.name in told
    queue("bob@far.test")
    hold(next_hop="far.test")
    carry_out_orders()
    survey_queue()
    assert states() == ["held"]
