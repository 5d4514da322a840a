"""What others report about one's domains, and about no others."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from delivery.models import DmarcReport, DmarcReportRow, TlsReport
from mailboxes.administration import appoint_administrator, withdraw_administrator
from mailboxes.models import Account
from tests.webmail.conftest import Statements


def report(domain: str, *, count: int, sessions: int) -> None:
    """Of yesterday: so many messages, one in three of them not authenticated, and so many sessions."""
    begins_at = timezone.now() - timedelta(days=1)
    frame: dict[str, Any] = {
        "organization": f"org of {domain}",
        "begins_at": begins_at,
        "ends_at": begins_at,
        "received_at": begins_at,
    }
    dmarc = DmarcReport.objects.create(
        domain=domain, report_id=f"r{count}", policy="reject", is_authentic=True, **frame
    )
    for is_aligned, messages in ((True, count - count // 3), (False, count // 3)):
        DmarcReportRow.objects.create(
            report=dmarc,
            source_ip=f"192.0.2.{count % 256}",
            count=messages,
            is_dkim_aligned=is_aligned,
            is_spf_aligned=False,
        )
    TlsReport.objects.create(
        domain=domain,
        report_id=f"t{count}",
        policy="sts",
        successes=sessions,
        failed=1,
        failures=[{"what": "certificate-expired", "sessions": 1}],
        is_authentic=True,
        **frame,
    )


def test_each_domain_has_its_sums_and_its_picture(pages: Client, ours: str) -> None:
    report(ours, count=30, sessions=70)
    page = pages.get("/panel/reports/").content.decode()
    for said in ("20 authenticated", "10 not", "70 sessions good", "1 not"):
        assert said in page
    page = pages.get(f"/panel/reports/{ours.upper()}/").content.decode()
    for said in ("20 authenticated", "192.0.2.30", "certificate-expired", "<svg"):
        assert said in page
    assert "<strong>90 days</strong>" in pages.get(f"/panel/reports/{ours}/?days=90").content.decode()


def test_a_domain_without_reports_says_how_they_come(pages: Client, ours: str) -> None:
    assert "no reports" in pages.get("/panel/reports/").content.decode()
    assert f"_dmarc.{ours}" in pages.get(f"/panel/reports/{ours}/").content.decode()


@pytest.mark.parametrize("query", ["", "?domain={theirs}", "?days=90&domain={theirs}", "?days={theirs}"])
def test_no_parameter_leads_to_another_domain(pages: Client, ours: str, theirs: str, query: str) -> None:
    report(ours, count=30, sessions=70)
    report(theirs, count=4711, sessions=4712)
    query = query.format(theirs=theirs)
    for path in ("/panel/reports/", f"/panel/reports/{ours}/"):
        page = pages.get(path + query).content.decode()
        assert "4712" not in page
        assert "192.0.2.103" not in page
    for name in (theirs, f"sub.{theirs}", "not-hosted.test", "%00"):
        assert pages.get(f"/panel/reports/{name}/{query}").status_code == 404


def test_the_role_is_lost_at_once(pages: Client, ada: Account, ours: str, theirs: str) -> None:
    appoint_administrator(domain=theirs, login=ada.login, by="test")
    report(theirs, count=30, sessions=70)
    assert pages.get(f"/panel/reports/{theirs}/").status_code == 200
    withdraw_administrator(domain=theirs, login=ada.login, by="test")
    assert pages.get(f"/panel/reports/{theirs}/").status_code == 404
    assert theirs not in pages.get("/panel/reports/").content.decode()


def test_many_domains_take_as_many_statements_as_one(
    pages: Client, ada: Account, ours: str, theirs: str, statements: Statements
) -> None:
    report(ours, count=30, sessions=70)
    with statements() as few:
        assert pages.get("/panel/reports/").status_code == 200
    appoint_administrator(domain=theirs, login=ada.login, by="test")
    for count in (30, 60, 90):
        report(theirs, count=count, sessions=70)
    with statements() as many:
        assert pages.get("/panel/reports/").status_code == 200
    assert len(many) == len(few) <= 5  # session, account, domains, DMARC, TLS
