"""The pages about filters fit their screens and keep their policy, for account holders and for operators."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from delivery.models import InboundTrace, RecordedVerdict
from domains.registration import change_domain
from mailboxes.accounts import change_account
from mailboxes.models import Account, Message
from tests.browser.demo_filters import held_of, judge_some, report_some
from tests.browser.screens import complaints_of, look
from tests.browser.signing_in import sign_in
from tests.support.hosting import new_account


@pytest.fixture(scope="module")
def judged(web: str) -> Account:
    """An operator with mail that was judged, in a domain that others report about."""
    account = new_account("alice")
    domain, now = account.login.partition("@")[2], timezone.now()
    judge_some(account, now=now)
    report_some(domain, now=now)
    change_domain(name=domain, quarantine_score=8, by="test")
    return change_account(account_id=account.pk, is_operator=True, refuse_score=12, by="test")


def test_every_page_about_filters_fits_and_breaks_no_policy(
    judged: Account, screen: tuple[str, Page]
) -> None:
    name, page = screen
    complaints = complaints_of(page)
    domain = judged.login.partition("@")[2]
    junk = Message.objects.get(mailbox__account=judged, mailbox__name="Junk")
    program, bank = (each.pk for each in held_of(judged))
    verdict = RecordedVerdict.objects.filter(account=judged).order_by("pk")[2].pk
    row = InboundTrace.objects.filter(account_id=judged.pk, trace_id="5f0c").latest("pk").pk

    sign_in(page, judged)
    page.wait_for_url("**/mail/*/")
    for place, path in {
        "why": f"/mail/{junk.mailbox_id}/{junk.uid}/",
        "quarantine": "/mail/quarantine/",
        "held-program": f"/mail/quarantine/{program}/",
        "held-bank": f"/mail/quarantine/{bank}/",
        "filters": "/mail/filters/",
        "senders": "/mail/senders/",
        "deliveries": "/mail/deliveries/",
        "admin-verdicts": "/admin/delivery/recordedverdict/",
        "admin-verdict": f"/admin/delivery/recordedverdict/{verdict}/change/",
        "admin-quarantine": "/admin/delivery/quarantined/",
        "admin-trace": f"/admin/delivery/inboundtrace/?q={judged.login}",
        "admin-trace-row": f"/admin/delivery/inboundtrace/{row}/change/",
        "admin-dmarc": "/admin/delivery/dmarcreport/",
        "admin-picture": f"/admin/delivery/dmarcreport/domain/{domain}/",
        "admin-tls": "/admin/delivery/tlsreport/",
        "admin-domain": f"/admin/domains/domain/{judged.address.domain_id}/change/",  # type: ignore[union-attr]
        "admin-account": f"/admin/mailboxes/account/{judged.pk}/change/",
    }.items():
        page.goto(path)
        for details in page.locator("details.why").all():
            details.evaluate("element => { element.open = true }")
        look(page, name, f"filters-{place}")
    page.goto(f"/mail/{junk.mailbox_id}/{junk.uid}/")
    page.get_by_text("Why is this here?").click()
    page.get_by_role("button", name="Always let in").click()
    look(page, name, "filters-next")
    assert complaints == []
