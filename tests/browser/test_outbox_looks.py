"""The Outbox reads as a mailbox, on every screen; MAILHOST_TEST_SHOTS keeps pictures."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page

from delivery.models import QueuedRecipient
from mailboxes.accounts import add_account
from mailboxes.models import Account
from mailboxes.store.append import append, prepare
from mailboxes.store.hierarchy import find_mailbox
from mailboxes.store.values import Flag, NewMessage
from mailhost.protocols.addresses import EmailAddress
from tests.browser.demo_mail import fill
from tests.browser.screens import complaints_of, look
from tests.browser.signing_in import sign_in
from tests.browser.test_looks import wait
from tests.support.hosting import PASSWORD, new_domain


@pytest.fixture(scope="module")
def writer(web: str) -> Account:
    """Who has written much for later."""
    account = add_account(
        address=EmailAddress.parse(f"alice@{new_domain()}"),
        password=PASSWORD,
        display_name="Alice Moreau",
        by="test",
    )
    fill(account, now=timezone.now())
    wait(account, "Minutes of Thursday's meeting", seconds=280)
    wait(
        account,
        "The offer, with the figures of the third quarter and what we said about delivery times",
        seconds=7_200,
    )
    wait(account, "Happy birthday, Grandmother", seconds=9 * 86_400)
    outbox = find_mailbox(account_id=account.pk, name="Outbox").mailbox_id
    message = prepare(b"To: Dave <dave@far.test>\r\nSubject: Put here by a phone\r\n\r\nHello Dave.\r\n")
    append(
        account_id=account.pk,
        mailbox_id=outbox,
        contents=[NewMessage(message, Flag.SEEN)],
        now=timezone.now(),
    )
    return account


def test_the_outbox_fits_every_screen(writer: Account, screen: tuple[str, Page]) -> None:
    name, page = screen
    complaints = complaints_of(page)
    sign_in(page, writer)
    page.wait_for_url("**/mail/*/")
    outbox = find_mailbox(account_id=writer.pk, name="Outbox").mailbox_id
    for place, path in {
        "outbox": "/mail/outbox/",
        "letter": f"/mail/{outbox}/1/",
        "list": f"/mail/{outbox}/",
    }.items():
        page.goto(path)
        look(page, name, f"OUTBOX-{place}")
    assert complaints == []


def test_its_buttons_cancel_edit_and_send(web: str, writer: Account, browser: Browser) -> None:
    context = browser.new_context(base_url=web)
    page = context.new_page()
    sign_in(page, writer)
    page.wait_for_url("**/mail/*/")
    for subject in ("To be cancelled", "To be edited", "To be sent"):
        wait(writer, subject, seconds=3_600)
    page.goto(web + "/mail/outbox/")
    page.get_by_role("group", name="To be cancelled").get_by_role("button", name="Cancel").click()
    page.get_by_text("Cancelled: nothing of it was sent.").wait_for()
    page.get_by_role("group", name="To be sent").get_by_role("button", name="Send now").click()
    page.get_by_text("goes now", exact=True).wait_for()
    page.get_by_role("group", name="To be edited").get_by_role("button", name="Edit").click()
    page.wait_for_url("**/draft/")
    assert page.get_by_label("Subject").input_value() == "To be edited"
    context.close()
    cancelled = QueuedRecipient.objects.filter(message__account=writer, state="cancelled")
    subjects = cancelled.values_list("message__content__subject", flat=True)
    assert set(subjects) == {"To be cancelled", "To be edited"}
    due = QueuedRecipient.objects.filter(message__account=writer, message__release_at__lte=timezone.now())
    assert set(due.values_list("message__content__subject", flat=True)) == {"To be sent"}
    assert timezone.now() + timedelta(seconds=1) > due[0].message.release_at  # type: ignore[operator]
