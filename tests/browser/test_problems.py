"""Delivery problems on screens: in the panel, in the administration, and beside one's own deliveries."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random

import pytest
from django.test import override_settings
from django.utils import timezone
from playwright.sync_api import Page, expect

from delivery.acceptance import Acceptance, accept_now
from delivery.models import QueuedMessage, QueuedRecipient, ReturnedKind
from delivery.queue.claim import claim_destinations, due_parcels
from delivery.queue.outcomes import record
from delivery.queue.values import RecipientResult
from delivery.relay.outcome import Bounced, Deferred, Delivered, Outcome, Peer
from delivery.returned import note_returned
from delivery.suppression_lists import suppress
from mailboxes.accounts import add_account
from mailboxes.administration import appoint_administrator
from mailboxes.models import Account
from mailhost.protocols.addresses import EmailAddress
from tests.browser.screens import complaints_of, look
from tests.browser.signing_in import sign_in
from tests.support.hosting import PASSWORD, new_domain

OUTCOMES: dict[str, Outcome] = {
    "big-one.test": Deferred(
        "4.7.1",
        "451 4.7.1 Service unavailable, client host [192.0.2.1] blocked using zen.spamhaus.org; https://check.spamhaus.org/",
        peer=Peer("mx7.big-provider.com", "192.0.2.9"),
    ),
    "full.test": Deferred("4.2.2", "452 4.2.2 The mailbox is full", peer=Peer("mx.full.test", "192.0.2.9")),
    "junked.example": Delivered("250 2.0.0 ok", peer=Peer("mx.junked.example", "192.0.2.9")),
    "gone.test": Bounced(
        "5.1.1", "550 5.1.1 <bob@gone.test>: no such user", peer=Peer("mx.gone.test", "192.0.2.9")
    ),
}


@pytest.fixture(scope="module")
def ada(web: str) -> Iterator[Account]:
    """An operator who administers her domain, and whose mail does not arrive."""
    with override_settings(RELAY="direct"), pytest.MonkeyPatch.context() as patched:
        patched.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
        ada = sender()
    yield ada
    QueuedMessage.objects.filter(account=ada).delete()


def sender() -> Account:
    """With outcomes for each recipient."""
    domain, now = new_domain(), timezone.now()
    ada = add_account(
        address=EmailAddress.parse(f"ada@{domain}"), password=PASSWORD, is_operator=True, by="test"
    )
    appoint_administrator(domain=domain, login=ada.login, by="test")
    for name in OUTCOMES:
        recipients = tuple(EmailAddress(f"r{number}", name) for number in range(len(name)))
        octets = f"From: {ada.login}\r\nSubject: Hello\r\n\r\n.\r\n".encode()
        sent_at = now - timedelta(hours=2)
        accept_now(
            Acceptance(octets, relay=recipients, reverse_path=ada.login, submitted_by=ada.pk), now=sent_at
        )
    bea = add_account(address=EmailAddress.parse(f"bea@{domain}"), password=PASSWORD, by="test")
    gone = (EmailAddress("r0", "gone.test"),)  # twice, so it is the domain's
    octets = b"Subject: Hello\r\n\r\n.\r\n"
    accept_now(Acceptance(octets, relay=gone, reverse_path=bea.login, submitted_by=bea.pk), now=sent_at)
    for claim in claim_destinations(limit=100, lease_seconds=90, now=now, is_failing=False):
        if claim.name in OUTCOMES:
            parcels = due_parcels(claim=claim, limit=100, except_ids=[], now=now)
            results = [
                RecipientResult(parcel.message, each, OUTCOMES[claim.name])
                for parcel in parcels
                for each in parcel.recipients
            ]
            record(results={claim: results}, now=now, random=Random(1))
    complained(ada)
    for name, account_id in (("bob@gone.test", ada.pk), ("news@lists.example", None)):
        address, reason = EmailAddress.parse(name), "It was asked for."
        suppress(address=address, account_id=account_id, domain=domain, reason=reason, by="test", now=now)
    return ada


def complained(ada: Account) -> None:
    """About what arrived: fourteen beyond doubt, and one on somebody's word."""
    taken = QueuedRecipient.objects.filter(message__account=ada, destination__name="junked.example")
    for number, pk in enumerate(taken.order_by("pk").values_list("pk", flat=True)):
        note_returned(
            kind=ReturnedKind.COMPLAINT,
            recipient_id=pk,
            diagnostic="abuse",
            is_proven=number > 0,
            now=timezone.now() - timedelta(minutes=number),
        )


def test_why_mail_does_not_arrive(web: str, ada: Account, screen: tuple[str, Page]) -> None:
    name, page = screen
    complaints = complaints_of(page)
    sign_in(page, ada, to="/panel/problems/")
    expect(page.get_by_text("is on a list that the other server asks: zen.spamhaus.org")).to_be_visible()
    expect(page.get_by_text("These people marked it as junk")).to_be_visible()
    look(page, name, "panel-problems")
    page.get_by_role("heading", name="Complaints").scroll_into_view_if_needed()
    page.mouse.wheel(0, 500)
    look(page, name, "panel-complaints")
    page.goto(web + "/mail/deliveries/")
    expect(page.get_by_role("heading", name="What you sent that did not arrive")).to_be_visible()
    look(page, name, "deliveries-problems")
    page.get_by_role("heading", name="Who complained about your mail").scroll_into_view_if_needed()
    look(page, name, "deliveries-complaints")
    page.goto(web + "/admin/delivery/destination/")
    page.get_by_role("link", name="Delivery problems").first.click()
    expect(page.get_by_text("no such user").first).to_be_visible()
    look(page, name, "admin-problems")
    for where in ("panel", "mail"):
        page.goto(f"{web}/{where}/suppressions/")
        expect(page.get_by_role("button", name="Lift bob@gone.test")).to_be_visible()
        look(page, name, f"{where}-suppressions")
        if where == "panel":
            expect(page.get_by_role("button", name="Lift r0@gone.test")).to_be_visible()
            page.get_by_role("button", name="Save").scroll_into_view_if_needed()
            look(page, name, "panel-suppressions-learning")
    page.goto(web + "/mail/new/")
    page.get_by_label("To", exact=True).fill("bob@gone.test")
    page.get_by_label("To", exact=True).press("Tab")
    expect(page.locator("[aria-live]").filter(has_text="You can lift it in webmail")).to_be_visible()
    look(page, name, "compose-hint")
    assert complaints == []  # before a 422, which is told as one
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("was put on the suppression list")).to_be_visible()
    look(page, name, "compose-suppressed")
