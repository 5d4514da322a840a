"""TLS reports of our own: made of what was counted, sent once to each place, signed, as their readers expect them."""

import base64
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from delivery.feedback.tls.posting import Posted
from delivery.feedback.tls.reporting import pack, report_about
from delivery.feedback.tls.sending import CLAIM, PATIENCE, send_due
from delivery.models import FeedbackState, QueuedMessage, TlsFeedback, TlsReport
from delivery.relay.tls.sessions import TlsSession
from delivery.reports.reading import read_reports
from delivery.signing import sign_own
from mailboxes.accounts import add_operator
from mailboxes.exceptions import DiskNearlyFull
from mailboxes.models import Content, Message
from mailboxes.store import structure
from mailhost.protocols.message.reading import read_message
from mailhost.protocols.tls_reports import TlsFailure, TlsPolicyReport, read_tls_report
from mailhost.protocols.tls_reports import TlsReport as Report
from tests.support.dns_server import DnsServer
from tests.support.hosting import PASSWORD, new_account
from tests.support.tls_reporting import NEXT_NOON, Poster, count, with_keys
from tests.support.tls_sessions import POLICY, session

OPAQUE = "https://reports.far.test/tls"


def send(dns: DnsServer, poster: Poster | None = None, *, later: timedelta = timedelta(0)) -> int:
    return send_due(now=NEXT_NOON + later, resolver=dns.resolver(), poster=poster or Poster(dns))


def only() -> TlsFeedback:
    return TlsFeedback.objects.get()


def queued() -> list[tuple[bytes, QueuedMessage]]:
    messages = QueuedMessage.objects.filter(reverse_path="tls@here.test").order_by("pk")
    return [(bytes(Content.objects.get(pk=each.content_id).octets), each) for each in messages]


def attached(octets: bytes) -> Report:
    start = octets.index(b"\r\n\r\n", octets.index(b"application/tlsrpt+gzip")) + 4
    return read_tls_report(base64.b64decode(octets[start : octets.index(b"\r\n--", start)]))


@pytest.fixture(autouse=True)
def signing(reporting_tls: Settings) -> None:
    """Its domain is hosted here, with keys that sign."""
    reporting_tls.TLS_REPORTS_CONTACT = "tls@here.test"
    reporting_tls.RELAY = "direct"
    with_keys("here.test")


@pytest.fixture
def far(dns: DnsServer) -> Iterator[DnsServer]:
    dns.say("_smtp._tls.far.test", "TXT", '"v=TLSRPTv1; rua=mailto:tls@far.test"')
    yield dns
    dns.broken.clear()


def test_a_report_goes_to_who_asks_for_it_and_reads_back(far: DnsServer) -> None:
    expired = session(result="certificate-expired")
    plain = TlsSession("far.test", "no-policy-found", (), "mx2.far.test", (), None, None, "", "")
    tlsa = replace(plain, policy_type="tlsa", policy_strings=("3 1 1 ab",), tlsa_base="mx2.host.test")
    count(*[session()] * 5, *[expired] * 2, replace(expired, receiving_ip="2001:db8::25"), plain, tlsa)
    assert send(far) == 1
    [(octets, message)] = queued()
    [recipient] = message.recipients.all()
    assert (recipient.forward_path, recipient.notify) == ("tls@far.test", "NEVER")
    report = attached(octets)
    assert (report.organization_name, report.contact_info) == ("mx.here.test", "tls@here.test")
    assert (report.start, report.end) == (
        datetime(2026, 11, 25, tzinfo=UTC),
        datetime(2026, 11, 25, 23, 59, 59, tzinfo=UTC),
    )

    def failure(count: int, ip: str) -> TlsFailure:
        return TlsFailure(
            "certificate-expired",
            count,
            sending_mta_ip="198.51.100.1",
            receiving_mx_hostname="mx.far.test",
            receiving_ip=ip,
            failure_reason_code="The certificate has expired.",
        )

    assert sorted(report.policies, key=lambda each: each.policy_type) == [
        TlsPolicyReport("no-policy-found", "far.test", (), (), 1, 0, ()),
        TlsPolicyReport(
            "sts",
            "far.test",
            POLICY,
            ("mx.far.test",),
            5,
            3,
            (failure(2, "192.0.2.25"), failure(1, "2001:db8::25")),
        ),
        # RFC 8460 section 1.1: the domain of a DANE policy is where its records are.
        TlsPolicyReport("tlsa", "mx2.host.test", ("3 1 1 ab",), (), 1, 0, ()),
    ]


def test_the_mail_is_as_its_readers_expect_it(far: DnsServer) -> None:
    count(session())
    send(far)
    [(octets, _)] = queued()
    read = read_message(octets, limits=structure.limits())
    feedback = only()
    assert read.from_[0].address == "tls@here.test"
    assert [each.address for each in read.to] == ["tls@far.test"]
    assert read.subject == (
        f"Report Domain: far.test Submitter: here.test Report-ID: <{feedback.report_id}@here.test>"
    )
    begin = 1795564800
    assert [(each.filename, each.content_type) for each in read.attachments] == [
        (
            f"here.test!far.test!{begin}!{begin + 86_399}!{feedback.report_id}.json.gz",
            "application/tlsrpt+gzip",
        )
    ]
    for line in (
        b"Auto-Submitted: auto-generated",
        b"TLS-Report-Domain: far.test",
        b"TLS-Report-Submitter: here.test",
        b"TLS-Required: No",
        f"Message-ID: <{feedback.report_id}@here.test>".encode(),
        b'Content-Type: multipart/report; report-type="tlsrpt";',
    ):
        assert b"\r\n" + line + b"\r\n" in octets
    assert (feedback.state, feedback.sent_at, feedback.note) == ("sent", NEXT_NOON, "")


def test_the_signature_covers_whose_report_it_is(far: DnsServer) -> None:
    count(session())
    send(far)
    [(octets, _)] = queued()
    fields = sign_own(octets.partition(b"\r\n")[2], now=NEXT_NOON).fields.lower()
    assert b"d=here.test" in fields
    assert b"tls-report-domain" in fields
    assert b"tls-report-submitter" in fields
    assert not re.search(rb"[;\s]l=", fields)  # RFC 8460 section 3


def test_a_report_that_nobody_could_sign_is_not_mailed(far: DnsServer, reporting_tls: Settings) -> None:
    reporting_tls.TLS_REPORTS_CONTACT = "tls@elsewhere.test"
    count(session())
    assert send(far) == 0
    assert QueuedMessage.objects.count() == 0
    assert (only().state, only().note) == (
        "unwanted",
        "No mail was sent: elsewhere.test has no active DKIM key here, and reports have to be signed.",
    )


def test_nothing_is_sent_of_a_day_that_is_not_over_or_when_it_is_off(
    far: DnsServer, reporting_tls: Settings
) -> None:
    count(session(), at=NEXT_NOON)
    assert send(far) == 0
    count(session())
    reporting_tls.TLS_REPORTS = False
    assert send(far) == 0
    assert set(TlsFeedback.objects.values_list("state", flat=True)) == {"counting"}
    reporting_tls.TLS_REPORTS = True
    assert send(far) == 1


def test_a_domain_that_stopped_asking_gets_nothing(dns: DnsServer) -> None:
    count(session("gone.test"), session("two.test"))
    dns.say("_smtp._tls.two.test", "TXT", *(f'"v=TLSRPTv1; rua=mailto:{who}@b.test"' for who in "ab"))
    assert send(dns) == 0
    assert dict(TlsFeedback.objects.values_list("domain", "note")) == {
        "gone.test": "The domain asks for no TLS reports.",
        "two.test": "The domain has more than one TLSRPT record, so that none counts.",
    }
    assert set(TlsFeedback.objects.values_list("state", flat=True)) == {"unwanted"}


def test_dns_that_does_not_answer_is_asked_again_for_a_day(far: DnsServer) -> None:
    far.broken.add("_smtp._tls.far.test")
    count(session())
    later = timedelta(0)
    for attempt in range(1, PATIENCE.attempts):
        assert send(far, later=later) == 0
        assert (only().state, only().attempts) == ("due", attempt)
        later += PATIENCE.after(attempt)
    assert timedelta(hours=24) >= later > timedelta(hours=16)
    far.broken.clear()
    assert send(far, later=later) == 1


def test_an_https_place_gets_the_same_octets_once(dns: DnsServer) -> None:
    dns.say("_smtp._tls.far.test", "TXT", f'"v=TLSRPTv1; rua={OPAQUE},mailto:tls@far.test"')
    count(session())
    poster = Poster(dns)
    assert [send(dns, poster, later=timedelta(hours=hours)) for hours in range(3)] == [1, 0, 0]
    [(uri, octets)] = poster.posted
    assert uri == OPAQUE
    assert read_tls_report(octets) == attached(queued()[0][0])
    assert sorted(only().copies.values_list("address", flat=True)) == [OPAQUE, "tls@far.test"]


def test_a_place_that_fails_is_tried_again_and_the_other_one_hears_nothing_of_it(dns: DnsServer) -> None:
    dns.say("_smtp._tls.far.test", "TXT", f'"v=TLSRPTv1; rua={OPAQUE},mailto:tls@far.test"')
    count(session())
    poster = Poster(dns, Posted(note="It is busy.", is_open=True), Posted(is_taken=True))
    assert send(dns, poster) == 0
    assert (only().state, only().note, only().sent_at) == ("due", "It is busy.", NEXT_NOON)
    assert send(dns, poster, later=timedelta(minutes=19)) == 0
    assert send(dns, poster, later=timedelta(minutes=20)) == 1
    assert (len(queued()), len(poster.posted), only().note) == (1, 2, "")


def test_a_place_that_never_takes_it_is_given_up_after_a_day(dns: DnsServer) -> None:
    dns.say("_smtp._tls.far.test", "TXT", f'"v=TLSRPTv1; rua={OPAQUE}"')
    count(session())
    poster = Poster(dns, Posted(note="It is busy.", is_open=True))
    for hours in range(60):
        assert send(dns, poster, later=timedelta(hours=hours)) == 0
    assert len(poster.posted) == PATIENCE.attempts
    assert (only().state, only().note) == ("unwanted", "It is busy.")


def test_a_place_that_refuses_is_not_asked_again(dns: DnsServer) -> None:
    dns.say("_smtp._tls.far.test", "TXT", f'"v=TLSRPTv1; rua={OPAQUE}"')
    count(session())
    poster = Poster(dns, Posted(note="It answered 404."))
    assert [send(dns, poster, later=timedelta(hours=hours)) for hours in range(3)] == [0, 0, 0]
    assert (len(poster.posted), only().state) == (1, "unwanted")


def test_nothing_is_posted_where_nothing_leaves_the_host(dns: DnsServer, reporting_tls: Settings) -> None:
    reporting_tls.RELAY = "capture"
    dns.say("_smtp._tls.far.test", "TXT", f'"v=TLSRPTv1; rua={OPAQUE}"')
    count(session())
    poster = Poster(dns)
    assert send(dns, poster) == 0
    assert (poster.posted, only().note) == ([], f"Nothing leaves this host, so {OPAQUE} was not written to.")


class Killed(BaseException):
    """As by the kernel: nothing catches it."""


def killed(*_: object, **__: object) -> None:
    raise Killed


def test_a_worker_that_dies_midway_leaves_the_rest_to_another_one(
    dns: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    dns.say("_smtp._tls.far.test", "TXT", f'"v=TLSRPTv1; rua={OPAQUE},mailto:tls@far.test"')
    count(session())
    poster = Poster(dns)
    with monkeypatch.context() as patch:
        patch.setattr(
            "delivery.feedback.tls.sending.joined", killed
        )  # the mail is handed over, not committed
        with pytest.raises(Killed):
            send(dns, poster)
    assert (queued(), only().state) == ([], "due")
    assert send(dns, poster, later=CLAIM - timedelta(seconds=1)) == 0
    assert send(dns, poster, later=CLAIM) == 1
    assert (len(queued()), len(poster.posted)) == (1, 1)


def test_a_report_that_fails_keeps_no_other_one_back(far: DnsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    far.say("_smtp._tls.other.test", "TXT", '"v=TLSRPTv1; rua=mailto:tls@other.test"')
    count(session(), session("other.test"))
    TlsFeedback.objects.get(domain="far.test").rows.update(row={"odd": 1})
    assert send(far) == 1
    failed = TlsFeedback.objects.get(domain="far.test")
    assert (failed.state, failed.attempts) == (FeedbackState.DUE, 1)


def test_a_disk_without_room_puts_it_off(far: DnsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise DiskNearlyFull

    count(session())
    with monkeypatch.context() as patch:
        patch.setattr("delivery.feedback.mailing.accept_now", full)
        assert send(far) == 0
    assert (only().state, only().attempts) == (FeedbackState.DUE, 1)
    assert send(far, later=timedelta(hours=1)) == 1


def test_a_report_is_no_larger_than_it_may_be(reporting_tls: Settings) -> None:
    many = [
        session(result="validation-failure", ip=f"10.0.0.{number}", detail=f"Reason {number}")
        for number in range(200)
    ]
    count(*many, *many[:7])
    report = report_about(only())
    whole = pack(report, max_octets=1 << 20)
    assert read_tls_report(whole) == report
    small = read_tls_report(pack(report, max_octets=len(whole) // 3))
    [policy] = small.policies
    assert policy.failed_sessions == 207
    assert {each.failed_sessions for each in policy.failures[:7]} == {2}
    assert 7 < len(policy.failures) < 200
    assert len(pack(report, max_octets=len(whole) // 3)) <= len(whole) // 3


def test_those_beyond_the_number_of_a_day_are_left_out(far: DnsServer, reporting_tls: Settings) -> None:
    reporting_tls.TLS_REPORTS_PER_DAY = 1
    count(*[session()] * 3, session("quiet.test"))
    assert send(far) == 1
    assert dict(TlsFeedback.objects.values_list("domain", "state")) == {
        "far.test": "sent",
        "quiet.test": "left out",
    }


def test_a_report_for_an_address_here_is_read_as_others_reports_are(dns: DnsServer) -> None:
    alice = new_account("alice")
    domain = alice.login.partition("@")[2]
    dns.say(f"_smtp._tls.{domain}", "TXT", f'"v=TLSRPTv1; rua=mailto:{alice.login}"')
    count(*[session(domain)] * 4, session(domain, result="starttls-not-supported"))
    assert send(dns) == 1
    assert queued() == []
    assert Message.objects.filter(mailbox__account=alice, mailbox__name="INBOX").count() == 1
    assert read_reports(now=NEXT_NOON) >= 1
    kept = TlsReport.objects.get(domain=domain)
    assert (kept.organization, kept.is_authentic) == ("mx.here.test", True)
    assert (kept.successes, kept.failed, kept.failures[0]["what"]) == (4, 1, "starttls-not-supported")


def test_the_operator_sees_what_was_sent_and_what_became_of_it(
    client: Client, dns: DnsServer, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    dns.say("_smtp._tls.far.test", "TXT", f'"v=TLSRPTv1; rua=mailto:tls@far.test,{OPAQUE}"')
    count(*[session()] * 5, *[session(result="certificate-expired")] * 2)
    count(*(session(f"quiet{number}.test") for number in range(30)))
    send(dns)
    client.force_login(add_operator(login="root", password=PASSWORD, by="test"))
    listed = "/admin/delivery/tlsfeedback/"
    page_of = f"{listed}{TlsFeedback.objects.get(domain='far.test').pk}/change/"
    client.get(page_of)  # what Django looks up once in a process
    with django_assert_num_queries(4):  # session, operator, how many, the rows
        page = client.get(listed).content.decode()
    assert f"tls@far.test, {OPAQUE}" in page or f"{OPAQUE}, tls@far.test" in page
    assert "nobody to send it to" in page
    with django_assert_num_queries(5):  # session, operator, the day, its sessions, its copies
        shown = client.get(page_of).content.decode()
    assert "<td>2</td><td>MTA-STS</td><td>mx.far.test<br><small>192.0.2.25</small></td>" in shown
    assert "<td>certificate-expired<br><small>The certificate has expired.</small></td>" in shown
    assert "delivery/queuedmessage/" in shown
    assert "taken" in shown
    assert client.post(f"{listed}add/").status_code == 403
