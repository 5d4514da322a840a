"""A domain administrator at work in a browser: on a desktop, on a phone, in the dark."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from delivery.models.trace import Outcome
from domains.registration import add_domain
from mailboxes.administration import appoint_administrator
from mailboxes.models import Account, Grant, Mailbox
from tests.browser.screens import complaints_of, look
from tests.browser.signing_in import sign_in
from tests.panel.test_reports import report
from tests.panel.tracing import NOW, noted, write
from tests.support.hosting import new_account, new_domain

REPLIES = {
    Outcome.ACCEPTED: "250 2.0.0 Taken as 77ace00",
    Outcome.JUNK: "250 2.0.0 Taken as 77ace01",
    Outcome.QUARANTINED: "250 2.0.0 Taken as 77ace02",
    Outcome.RELAYED: "250 2.0.0 Taken as 77ace03",
    Outcome.DEFERRED: "450 4.7.1 Come back in a few minutes: what nothing vouches for waits once",
    Outcome.REFUSED: "550 5.1.1 No such recipient here",
}


@pytest.fixture(scope="module")
def ada(web: str) -> Account:
    """Administers two domains, of which one has been busy."""
    busy, quiet = new_domain(), new_domain()
    add_domain(name=f"{'long-name.' * 6}{quiet}", alias_of=quiet, by="test")
    ada, sales = new_account("ada", domain=busy), new_account("sales", domain=busy)
    inbox = Mailbox.objects.get(account=sales, name="INBOX")
    Grant.objects.create(mailbox=inbox, account=ada, rights="lrp")
    for domain in (busy, quiet):
        appoint_administrator(domain=domain, login=ada.login, by="test")
    for number, (outcome, reply) in enumerate(REPLIES.items()):
        mark = f"{number:02x}"
        at = NOW - timedelta(hours=7 * number)
        write(
            noted(busy, mark, at=at, outcome=outcome, reply=reply, message_id=f"<{'9' * 60}{mark}@far.test>")
        )
    for count in (30, 90, 12):
        report(busy, count=count, sessions=70)
    return ada


def test_deliveries_and_reports_of_ones_domains(web: str, ada: Account, screen: tuple[str, Page]) -> None:
    name, page = screen
    complaints = complaints_of(page)
    sign_in(page, ada, to="/mail/account/")
    page.get_by_role("link", name="Your domains").click()
    expect(page.get_by_role("heading", name="Deliveries")).to_be_visible()
    expect(page.get_by_text("No such recipient here")).to_be_visible()
    look(page, name, "panel-deliveries")
    page.get_by_label("Looking for").fill(f"to-05@{ada.login.partition('@')[2]}")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_text("No such recipient here")).to_be_visible()
    expect(page.get_by_text("Come back in a few minutes")).to_have_count(0)
    page.get_by_label("What became of it").select_option(label="delivered here")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_text("Nothing of that kind is known")).to_be_visible()
    look(page, name, "panel-nothing")
    page.goto(web + "/panel/deliveries/#folders")
    look(page, name, "panel-menu")
    page.get_by_role("link", name="Reports").click()
    look(page, name, "panel-reports")
    page.get_by_role("link", name=ada.login.partition("@")[2], exact=True).click()
    expect(page.get_by_role("heading", name="Who sends it")).to_be_visible()
    look(page, name, "panel-picture")
    page.goto(web + "/mail/new/")
    page.get_by_label("From").select_option(index=1)
    look(page, name, "compose-as")
    assert complaints == []
