"""The queue page in a browser, in both of its frames: on a desktop, on a phone, in the dark, full and empty."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone
from playwright.sync_api import Page, expect

from delivery.models import (
    Destination,
    OutboundRoute,
    QueuedMessage,
    QueuedRecipient,
    QueueFlow,
    QueueOrder,
)
from delivery.queue import orders
from delivery.queue.survey import survey
from mailboxes.models import Account
from tests.browser.screens import complaints_of, look
from tests.browser.signing_in import sign_in
from tests.support.hosting import new_account, new_domain
from tests.support.queueing import queue

REPLIES = (
    "451 4.7.1 <mx1.big-mailer.example>: Recipient address rejected: Greylisted, see "
    "https://help.big-mailer.example/policy/greylisting?ip=192.0.2.1&session=77ace00112233445566778899aabbccddeeff "
    "for more information about how to be let in sooner, or come back in 300 seconds",
    "421 4.7.0 Too many messages from 192.0.2.1: temporarily rate limited",
    "452 4.2.2 The mailbox is over its quota",
)
UNREACHABLE = "connect to mx.slow.example [2001:db8::7]:25: no answer within 30 seconds"


@pytest.fixture(scope="module")
def operator(web: str) -> Iterator[Account]:
    """With a queue as a bad afternoon leaves it."""
    account = new_account("root", domain=new_domain())
    Account.objects.filter(pk=account.pk).update(is_operator=True)
    QueuedMessage.objects.all().delete()
    Destination.objects.all().delete()
    now = timezone.now()
    hops = (
        "big-mailer.example",
        "slow.example",
        "university.example",
        "a-very-long-name-of-a-company.example",
    )
    for number in reversed(range(60)):
        to = [f"reader{number}.{part}@{hops[(number + part) % 4]}" for part in range(1, 1 + number % 4)]
        at = now - timedelta(minutes=number * number)
        by = "" if number % 9 == 8 else account.login
        with override_settings(RELAY="direct"):
            pk = queue(*(to or ["bob@here.example"]), reverse_path=by, now=at)
        QueuedMessage.objects.filter(pk=pk).update(account=account)
    put_off = QueuedRecipient.objects.filter(forward_path__endswith="@big-mailer.example")
    for number, row in enumerate(put_off):
        QueuedRecipient.objects.filter(pk=row.pk).update(
            state="deferred", attempts=number + 1, last_reply=REPLIES[number % 3], next_attempt_at=now
        )
    held = QueuedRecipient.objects.filter(forward_path__endswith="@university.example")
    alias = "everybody-who-reads-our-newsletter@university-friends.example"
    held.update(state="held", held_by="operator", original_path=alias)
    slow = Destination.objects.filter(name="slow.example")
    slow.update(failures=5, last_reply=UNREACHABLE, next_attempt_at=now + timedelta(minutes=40))
    # Some leave another way: the same domain stands there twice.
    route = OutboundRoute.objects.create(name="Newsletters by the smarthost")
    by_route = Destination.objects.create(name="big-mailer.example", route_id=route.pk)
    QueuedRecipient.objects.filter(pk__in=[row.pk for row in put_off[:9]]).update(destination=by_route)
    survey(now=now, is_urgent=True)
    QueueFlow.objects.filter(domain="").delete()
    for number in range(140):
        at = now - timedelta(minutes=5 * number)
        came = 40 + (number * 37) % 60
        QueueFlow.objects.create(
            domain="", at=at, queued=came, delivered=came - 12, deferred=number % 25, bounced=number % 5
        )
    yield account
    QueuedMessage.objects.all().delete()
    QueueFlow.objects.all().delete()
    QueueOrder.objects.all().delete()
    OutboundRoute.objects.all().delete()


@pytest.mark.parametrize(
    ("frame", "where"), [("panel", "/panel/queue/"), ("admin", "/admin/delivery/queuedrecipient/")]
)
def test_the_queue_is_looked_at_and_told_what_to_do(
    web: str,
    operator: Account,
    screen: tuple[str, Page],
    frame: str,
    where: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(orders, "AT_ONCE", 0)
    monkeypatch.setattr(orders, "orders_are_due", lambda: None)
    name, page = screen
    complaints = complaints_of(page)
    sign_in(page, operator, to=where)
    expect(page.get_by_role("heading", name="Where most waits")).to_be_visible()
    look(page, name, f"{frame}-queue")
    page.get_by_label("Waits for").fill("university.example")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("link", name="slow.example", exact=True)).to_be_visible()  # the numbers stay
    page.locator(".recipients").scroll_into_view_if_needed()
    look(page, name, f"{frame}-queue-found")
    page.locator(".pick").first.check()
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_role("heading", name="Release 1 recipient?")).to_be_visible()
    page.go_back()
    page.get_by_label("Waits for").fill("big-mailer.example")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("button", name="Redirect").click()
    look(page, name, f"{frame}-queue-preview")
    page.get_by_role("link", name="Back").click()
    page.get_by_role("button", name="Hold").click()
    page.get_by_role("button", name="Hold").click()
    expect(page.get_by_text("A worker begins with it soon")).to_be_visible()
    look(page, name, f"{frame}-queue-order")
    assert not orders.carry_out(clock=timezone.now)
    expect(page.get_by_text("Done.")).to_be_visible()  # the page asks by itself
    page.goto(web + where + "?reply=no+such+words")
    expect(page.get_by_text("Nothing is found")).to_be_visible()
    look(page, name, f"{frame}-queue-nothing")
    big = QueuedRecipient.objects.filter(forward_path__endswith="@big-mailer.example")
    big.update(state="deferred", held_by="")
    assert complaints == []
