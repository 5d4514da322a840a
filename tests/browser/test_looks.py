"""Every page fits its screen and keeps its own content policy: on a desktop, on a phone, in the dark."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from delivery.acceptance import Acceptance, accept_now
from mailboxes.accounts import add_account
from mailboxes.models import Account
from mailboxes.store.hierarchy import find_mailbox
from mailhost.protocols.addresses import EmailAddress
from tests.browser.demo_mail import fill
from tests.browser.screens import complaints_of, look
from tests.browser.signing_in import sign_in
from tests.support.hosting import PASSWORD, new_account, new_domain


@pytest.fixture(scope="module")
def furnished(web: str) -> Account:
    """An operator with a mailbox full of letters, in a host with some customers."""
    domain = new_domain()
    account = add_account(
        address=EmailAddress.parse(f"alice@{domain}"),
        password=PASSWORD,
        display_name="Alice Moreau",
        quota_octets=2 << 20,
        is_operator=True,
        by="test",
    )
    fill(account, now=timezone.now())
    wait(account, "Minutes of Thursday's meeting", seconds=280)
    wait(account, "Happy birthday, Grandmother", seconds=9 * 86_400)
    for name in ("bob", "carol", "dave"):
        new_account(name, domain=domain, quota_octets=5 << 30)
    return account


def wait(account: Account, subject: str, *, seconds: int) -> None:
    """A message of the account that has not left."""
    now = timezone.now()
    octets = f"From: {account.login}\r\nTo: Carol Keller <carol@far.test>\r\nSubject: {subject}\r\n\r\n.\r\n"
    acceptance = Acceptance(
        octets.encode(),
        relay=(EmailAddress("carol", "far.test"), EmailAddress("dave", "far.test")),
        reverse_path=account.login,
        submitted_by=account.pk,
        release_at=now + timedelta(seconds=seconds),
    )
    accept_now(acceptance, now=now)


def test_every_page_fits_and_breaks_no_policy(web: str, furnished: Account, screen: tuple[str, Page]) -> None:
    name, page = screen
    complaints = complaints_of(page)
    inbox = find_mailbox(account_id=furnished.pk, name="INBOX").mailbox_id
    trash = find_mailbox(account_id=furnished.pk, name="Trash").mailbox_id

    page.goto(web + "/")
    look(page, name, "sign-in")
    sign_in(page, furnished)
    page.wait_for_url("**/mail/*/")
    for place, path in {
        "list": f"/mail/{inbox}/",
        "folders": f"/mail/{inbox}/#folders",
        "letter": f"/mail/{inbox}/13/",
        "html": f"/mail/{inbox}/11/",
        "source": f"/mail/{inbox}/13/source/",
        "empty": f"/mail/{trash}/",
        "compose": "/mail/new/",
        "account": "/mail/account/",
        "outbox": "/mail/outbox/",
        "reply": f"/mail/{inbox}/13/reply/",
        "forward": f"/mail/{inbox}/13/forward/",
        "missing": f"/mail/{inbox}/4711/",
        "admin": "/admin/",
        "admin-accounts": "/admin/mailboxes/account/",
        "admin-account": f"/admin/mailboxes/account/{furnished.pk}/change/",
        "admin-account-add": "/admin/mailboxes/account/add/",
        "admin-domains": "/admin/domains/domain/",
        "admin-alias-add": "/admin/domains/alias/add/",
        "admin-key-add": "/admin/mailboxes/apikey/add/",
        "admin-queue": "/admin/delivery/queuedrecipient/",
        "admin-audit": "/admin/audit/act/",
    }.items():
        page.goto(web + path)
        look(page, name, place)
    # The 404 page itself is told in the console as a failed load: that one is meant.
    assert [each for each in complaints if "/4711/" not in each] == []
