"""The message trace in a browser, for account holder, domain administrator and operator: a search, and a whole way."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from delivery.models import Destination, QueuedRecipient
from mailboxes.administration import appoint_administrator
from mailboxes.models import Account
from tests.browser.screens import complaints_of, look
from tests.browser.signing_in import sign_in
from tests.panel.tracing import NOW
from tests.support.hosting import new_account
from tests.support.tracing import keep_notice, sent_message

PLACES = {
    "webmail": "/mail/deliveries/",
    "panel": "/panel/deliveries/",
    "admin": "/admin/delivery/inboundtrace/",
}


@pytest.fixture(scope="module")
def ann(web: str) -> Account:
    """Operator, administrator of her domain, and sender of a message that waits and of one that did not arrive."""
    ann = new_account("ann")
    colleague = new_account("colleague-with-a-long-name", domain=ann.login.partition("@")[2])
    appoint_administrator(domain=ann.login.partition("@")[2], login=ann.login, by="test")
    Account.objects.filter(pk=ann.pk).update(is_operator=True)
    sent_message(ann, here=colleague, now=NOW - timedelta(days=1), message_id="<yesterday@here.test>")
    number = sent_message(ann, here=colleague, now=NOW, message_id=f"<{'9' * 70}@here.test>")
    keep_notice(ann, queue_id=number, now=NOW)
    QueuedRecipient.objects.filter(message_id=number).update(
        state="deferred",
        finished_at=None,
        next_attempt_at=NOW + timedelta(minutes=20),
        last_reply="451 4.7.1 Greylisted, come again in a few minutes",
    )
    host, _ = Destination.objects.update_or_create(
        name="quite-a-long-name-of-a-domain-that-is-dead.test",
        defaults={
            "failures": 12,
            "cause": "no-connection",
            "last_reply": "mx.dead.test [192.0.2.1]: the connection could not be made",
            "last_attempt_at": NOW - timedelta(minutes=10),
            "next_attempt_at": NOW + timedelta(minutes=50),
        },
    )
    QueuedRecipient.objects.create(message_id=number, destination=host, forward_path=f"dave@{host.name}")
    return ann


def test_a_message_is_looked_for_and_its_way_read(web: str, ann: Account, screen: tuple[str, Page]) -> None:
    name, page = screen
    complaints = complaints_of(page)
    sign_in(page, ann, to="/mail/account/")
    for place, where in PLACES.items():
        page.goto(web + where)
        page.get_by_label("Looking for").fill(ann.login)
        page.get_by_role("button", name="Find").click()
        expect(page.get_by_text("Refused by mx2.far.test").first).to_be_visible()
        expect(page.get_by_text("does not answer").first).to_be_visible()
        look(page, name, f"trace-{place}")
        page.get_by_role("link", name="Whole way").first.click()
        expect(page.get_by_role("heading", name="Now")).to_be_visible()
        expect(page.get_by_text("put off by mx1.far.test")).to_be_visible()
        for details in page.locator(".trace-steps summary").all():
            details.click()
        look(page, name, f"trace-{place}-way")
    assert complaints == []
