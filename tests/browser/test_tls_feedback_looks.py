"""The pages of TLS reports of our own fit their screens, and keep their policy."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from delivery.models import FeedbackState, TlsFeedback, TlsFeedbackCopy
from mailboxes.accounts import change_account
from mailboxes.models import Account
from tests.browser.screens import complaints_of, look
from tests.browser.signing_in import sign_in
from tests.support.hosting import new_account
from tests.support.tls_reporting import count
from tests.support.tls_sessions import session

LONG = "The certificate is for mail.hosting-customer-4711.example and not for mx.far.test, and has expired since."


@pytest.fixture(scope="module")
def operator(web: str) -> Account:
    account = new_account("alice")
    return change_account(account_id=account.pk, is_operator=True, by="test")


def test_the_pages_fit_and_break_no_policy(operator: Account, screen: tuple[str, Page]) -> None:
    name, page = screen
    complaints = complaints_of(page)
    yesterday = timezone.now() - timedelta(days=1)
    TlsFeedback.objects.all().delete()
    count(*[session()] * 412, *[session(result="certificate-host-mismatch", detail=LONG)] * 3, at=yesterday)
    count(*(session(f"customer{number}.test") for number in range(12)), at=timezone.now())
    sent = TlsFeedback.objects.get(domain="far.test")
    TlsFeedback.objects.filter(pk=sent.pk).update(state=FeedbackState.SENT, sent_at=timezone.now())
    for address in ("tls-reports@far.test", "https://reports.far.test/v1/tlsrpt?of=far"):
        TlsFeedbackCopy.objects.create(feedback=sent, address=address)
    sign_in(page, operator)
    page.wait_for_url("**/mail/*/")
    for place, path in {
        "list": "/admin/delivery/tlsfeedback/",
        "report": f"/admin/delivery/tlsfeedback/{sent.pk}/change/",
    }.items():
        page.goto(path)
        look(page, name, f"TLSREPORTS-{place}")
    assert LONG in page.get_by_role("cell", name="certificate-host-mismatch").inner_text()
    assert complaints == []
