"""Reports of others: found by the filters, read by the worker, drawn for the operator."""

import base64
import gzip
import json
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from delivery.acceptance import Acceptance, accept_now
from delivery.filters.incoming import Incoming
from delivery.filters.recording import Judged
from delivery.filters.report_rule import report_findings
from delivery.findings import Action, Finding, Verdict
from delivery.models import DmarcReport, DmarcReportRow, TlsReport
from delivery.reports.drawing import HEIGHT, WIDTH, draw
from delivery.reports.reading import read_reports
from delivery.reports.summary import Day, summarize
from mailboxes.accounts import add_operator
from mailboxes.models import Account
from tests.support.hosting import PASSWORD, new_account, new_domain

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
BEGIN = int(datetime(2026, 11, 25, tzinfo=UTC).timestamp())


def aggregate(domain: str, *rows: tuple[str, int, str, str], report_id: str = "r1") -> bytes:
    records = "".join(
        f"<record><row><source_ip>{ip}</source_ip><count>{count}</count><policy_evaluated><disposition>none"
        f"</disposition><dkim>{dkim}</dkim><spf>{spf}</spf></policy_evaluated></row><identifiers><header_from>{domain}"
        f"</header_from></identifiers><auth_results/></record>"
        for ip, count, dkim, spf in rows
    )
    return (
        f"<?xml version='1.0'?><feedback><report_metadata><org_name>far.test</org_name><email>d@far.test</email>"
        f"<report_id>{report_id}</report_id><date_range><begin>{BEGIN}</begin><end>{BEGIN + 86399}</end></date_range>"
        f"</report_metadata><policy_published><domain>{domain}</domain><p>reject</p></policy_published>{records}"
        f"</feedback>"
    ).encode()


def carrying(name: str, media_type: str, octets: bytes) -> bytes:
    body = base64.encodebytes(octets).decode().replace("\n", "\r\n")
    return (
        f"From: d@far.test\r\nTo: postmaster\r\nSubject: Report domain\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nA report.\r\n'
        f"--b\r\nContent-Type: {media_type}\r\nContent-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment; filename="{name}"\r\n\r\n{body}--b--\r\n'
    ).encode()


def dmarc_mail(domain: str, *rows: tuple[str, int, str, str], report_id: str = "r1") -> bytes:
    name = f"far.test!{domain}!{BEGIN}!{BEGIN + 86399}.xml.gz"
    return carrying(name, "application/gzip", gzip.compress(aggregate(domain, *rows, report_id=report_id)))


def bring(account: Account, octets: bytes) -> None:
    """As an examined message from outside arrives."""
    message = Incoming(ip_address("192.0.2.1"), "mx.far.test", "d@far.test", frozenset(), octets)
    findings = (*report_findings(message), Finding("dmarc", "pass", "It is authentic.", -0.5))
    judged = Judged(account.pk, Verdict(Action.DELIVER, -0.5, findings), "00ab", "192.0.2.1", "d@far.test")
    accept_now(Acceptance(octets, judged=(judged,)), now=NOW)


@pytest.fixture
def domain(db: None) -> str:
    return new_domain()


@pytest.fixture
def postmaster(domain: str) -> Account:
    return new_account("postmaster", domain=domain)


def test_a_dmarc_report_about_a_hosted_domain_is_kept(domain: str, postmaster: Account) -> None:
    bring(
        postmaster, dmarc_mail(domain, ("192.0.2.7", 40, "pass", "fail"), ("203.0.113.9", 2, "fail", "fail"))
    )
    assert read_reports(now=NOW) == 1
    [report] = DmarcReport.objects.filter(domain=domain)
    assert (report.organization, report.policy, report.is_authentic) == ("far.test", "reject", True)
    assert list(report.rows.order_by("-count").values_list("source_ip", "count", "is_dkim_aligned")) == [
        ("192.0.2.7", 40, True),
        ("203.0.113.9", 2, False),
    ]


def test_a_report_that_comes_twice_counts_once(domain: str, postmaster: Account) -> None:
    for _ in range(2):
        bring(postmaster, dmarc_mail(domain, ("192.0.2.7", 40, "pass", "pass")))
    assert read_reports(now=NOW) == 1
    assert read_reports(now=NOW) == 0
    assert DmarcReportRow.objects.filter(report__domain=domain).count() == 1


def test_reports_about_other_peoples_domains_are_left_alone(domain: str, postmaster: Account) -> None:
    bring(postmaster, dmarc_mail("elsewhere.test", ("192.0.2.7", 40, "pass", "pass")))
    assert read_reports(now=NOW) == 0
    assert not DmarcReport.objects.filter(domain="elsewhere.test").exists()


def test_a_bomb_and_nonsense_are_passed_over_and_the_next_one_is_read(
    domain: str, postmaster: Account
) -> None:
    name = f"far.test!{domain}!1!2.xml.gz"
    bring(postmaster, carrying(name, "application/gzip", gzip.compress(b"\0" * 50_000_000)))
    bring(postmaster, carrying(name, "application/gzip", b"nonsense"))
    entities = b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]><feedback>&a;</feedback>"
    bring(postmaster, carrying(name.removesuffix(".gz"), "text/xml", entities))
    bring(postmaster, dmarc_mail(domain, ("192.0.2.7", 1, "pass", "pass")))
    assert read_reports(now=NOW) == 1


def test_a_tls_report_is_kept_with_what_failed(domain: str, postmaster: Account) -> None:
    report = {
        "organization-name": "far.test",
        "date-range": {"start-datetime": "2026-11-25T00:00:00Z", "end-datetime": "2026-11-25T23:59:59Z"},
        "contact-info": "tls@far.test",
        "report-id": "t1",
        "policies": [
            {
                "policy": {
                    "policy-type": "sts",
                    "policy-string": ["version: STSv1"],
                    "policy-domain": domain,
                },
                "summary": {"total-successful-session-count": 90, "total-failure-session-count": 10},
                "failure-details": [{"result-type": "certificate-expired", "failed-session-count": 10}],
            }
        ],
    }
    octets = gzip.compress(json.dumps(report).encode())
    bring(postmaster, carrying("report.json.gz", "application/tlsrpt+gzip", octets))
    assert read_reports(now=NOW) == 1
    [kept] = TlsReport.objects.filter(domain=domain)
    assert (kept.policy, kept.successes, kept.failed) == ("sts", 90, 10)
    assert kept.failures == [{"what": "certificate-expired", "sessions": 10, "host": ""}]


def test_what_the_reports_say_is_summed_up_by_day_and_source(domain: str, postmaster: Account) -> None:
    bring(
        postmaster, dmarc_mail(domain, ("192.0.2.7", 40, "pass", "fail"), ("203.0.113.9", 2, "fail", "fail"))
    )
    bring(postmaster, dmarc_mail(domain, ("203.0.113.9", 3, "fail", "pass"), report_id="r2"))
    read_reports(now=NOW)
    found = summarize(domain=domain, days=7, now=NOW)
    assert [(day.good, day.bad) for day in found.dmarc] == [(0, 0)] * 5 + [(43, 2), (0, 0)]
    assert [(each.ip, each.good, each.bad) for each in found.sources] == [
        ("192.0.2.7", 40, 0),
        ("203.0.113.9", 3, 2),
    ]
    assert (found.passed, found.failed) == (43, 2)


def test_the_operator_sees_the_picture(client: Client, domain: str, postmaster: Account) -> None:
    bring(
        postmaster, dmarc_mail(domain, ("192.0.2.7", 40, "pass", "fail"), ("203.0.113.9", 2, "fail", "fail"))
    )
    read_reports(now=NOW)
    client.force_login(add_operator(login="root", password=PASSWORD, by="test"))
    listed = client.get("/admin/delivery/dmarcreport/").content.decode()
    assert f"/admin/delivery/dmarcreport/domain/{domain}/" in listed
    page = client.get(f"/admin/delivery/dmarcreport/domain/{domain}/", {"days": "365"}).content.decode()
    assert "40 authenticated" in page
    assert "203.0.113.9" in page
    assert '<rect class="bad"' in page
    nothing = client.get("/admin/delivery/dmarcreport/domain/empty.test/").content.decode()
    assert "rua=mailto:postmaster@empty.test" in nothing


def test_ordinary_attachments_are_no_reports() -> None:
    for name, media_type in (
        ("holiday.zip", "application/zip"),
        ("a!b.xml", "text/xml"),
        ("x.json", "application/json"),
    ):
        message = Incoming(ip_address("192.0.2.1"), "x", "", frozenset(), carrying(name, media_type, b"x"))
        assert list(report_findings(message)) == []


COUNTS = st.integers(0, 10**9)


@given(st.lists(st.tuples(COUNTS, COUNTS), max_size=400))
def test_no_column_leaves_the_picture(counts: list[tuple[int, int]]) -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC).date()
    bars = draw([Day(first + timedelta(days=n), good, bad) for n, (good, bad) in enumerate(counts)])
    for column in bars.columns:
        assert 0 <= column.x <= column.x + bars.bar_width <= WIDTH + 0.1
        assert 0 <= column.bad_y <= column.good_y <= HEIGHT
