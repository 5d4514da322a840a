"""Reports of our own: made of what was counted, sent once, to whom may have them."""

import base64
import gzip
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from delivery.feedback.counting import count_messages
from delivery.feedback.observing import Head, Observation, observe
from delivery.feedback.reporting import pack, report_about
from delivery.feedback.sending import PATIENCE, send_due, send_report
from delivery.feedback.tallying import Tally
from delivery.models import DmarcFeedback, FeedbackState, QueuedMessage
from mailboxes.accounts import add_operator
from mailboxes.exceptions import DiskNearlyFull
from mailboxes.models import Content
from mailboxes.store import structure
from mailhost.protocols import dkim, spf
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.dmarc.aggregate_reading import read_aggregate_report
from mailhost.protocols.dmarc.aggregate_reports import AggregateReport, Row
from mailhost.protocols.dmarc.aggregate_writing import packed, write_aggregate_report
from mailhost.protocols.dmarc.record import ReportUri
from mailhost.protocols.dmarc.report_destinations import Destination, Destinations
from mailhost.protocols.message.reading import read_message
from tests.delivery.feedback.test_observing import NONE, QUARANTINE, REJECT, found
from tests.support.dns_server import DnsServer
from tests.support.hosting import PASSWORD
from tests.support.observing import DAY, NEXT_MORNING, observation

OWN = (ReportUri("mailto:dmarc@far.test"),)


def count(*seen: Observation) -> None:
    tally = Tally[Head, Row]()
    for each in seen:
        tally.add(each)
    count_messages(tally.take())


def send(dns: DnsServer, *, later: timedelta = timedelta(0)) -> int:
    return send_due(now=NEXT_MORNING + later, resolver=dns.resolver())


def only() -> DmarcFeedback:
    return DmarcFeedback.objects.get()


def queued() -> list[tuple[bytes, QueuedMessage]]:
    messages = QueuedMessage.objects.filter(reverse_path="postmaster@mx.here.test").order_by("pk")
    return [(bytes(Content.objects.get(pk=each.content_id).octets), each) for each in messages]


def attached(octets: bytes) -> AggregateReport:
    [attachment] = [
        each for each in read_message(octets, limits=structure.limits()).attachments if each.filename
    ]
    start = octets.index(b"\r\n\r\n", octets.index(b'filename="')) + 4
    body = octets[start : octets.index(b"\r\n--", start)]
    assert attachment.content_type == "application/gzip"
    return read_aggregate_report(base64.b64decode(body))


@pytest.fixture
def far(dns: DnsServer) -> Iterator[DnsServer]:
    dns.say("_dmarc.far.test", "TXT", '"v=DMARC1; p=reject; rua=mailto:dmarc@far.test"')
    yield dns
    dns.broken.clear()


def test_a_report_goes_to_who_asks_for_it(reporting: Settings, far: DnsServer) -> None:
    count(*[observation()] * 3, observation(ip="2001:db8::1"))
    assert send(far) == 1
    [(octets, message)] = queued()
    [recipient] = message.recipients.all()
    assert (recipient.forward_path, recipient.notify) == ("dmarc@far.test", "NEVER")
    read = read_message(octets, limits=structure.limits())
    feedback = only()
    assert read.from_[0].address == "postmaster@mx.here.test"
    assert [each.address for each in read.to] == ["dmarc@far.test"]
    assert read.subject == (
        f"Report Domain: far.test Submitter: mx.here.test Report-ID: <{feedback.report_id}>"
    )
    begin = 1795564800
    name = f"mx.here.test!far.test!{begin}!{begin + 86_399}!{feedback.report_id}.xml.gz"
    assert [each.filename for each in read.attachments] == [name]
    assert b"\r\nAuto-Submitted: auto-generated\r\n" in octets
    assert f"Message-ID: <{feedback.report_id}@mx.here.test>".encode() in octets
    assert (feedback.state, feedback.sent_at, feedback.note) == ("sent", NEXT_MORNING, "")


def test_what_is_sent_is_read_as_it_was_counted(reporting: Settings, far: DnsServer) -> None:
    reporting.DMARC_REPORTS_ORGANIZATION = "Here & Co. <x>"
    count(*[observation()] * 3, observation(ip="2001:db8::1"), observation(header_from="a.far.test"))
    send(far)
    report = attached(queued()[0][0])
    assert (report.org_name, report.email) == ("Here & Co. <x>", "postmaster@mx.here.test")
    assert report == report_about(only())
    assert [(row.source_ip, row.count, row.header_from) for row in report.rows][:1] == [
        ("192.0.2.1", 3, "far.test")
    ]
    assert {(row.source_ip, row.count, row.header_from) for row in report.rows[1:]} == {
        ("192.0.2.1", 1, "a.far.test"),
        ("2001:db8::1", 1, "far.test"),
    }
    assert report.policy == observation().policy
    assert (report.end - report.begin, report.begin.date()) == (timedelta(seconds=86_399), DAY)


ORDER = {
    "feedback": ["version", "report_metadata", "policy_published", "record"],
    "report_metadata": ["org_name", "email", "report_id", "date_range", "error", "generator"],
    "record": ["row", "identifiers", "auth_results"],
    "row": ["source_ip", "count", "policy_evaluated"],
    "policy_evaluated": ["disposition", "dkim", "spf", "reason"],
    "auth_results": ["dkim", "spf"],
}
REQUIRED = {
    "feedback": {"report_metadata", "policy_published", "record"},
    "report_metadata": {"org_name", "email", "report_id", "date_range"},
    "policy_published": {"domain", "p"},
    "record": {"row", "identifiers", "auth_results"},
    "row": {"source_ip", "count", "policy_evaluated"},
    "policy_evaluated": {"disposition", "dkim", "spf"},
    "identifiers": {"header_from"},
    "spf": {"domain", "result"},
}

POLICIES = {"none", "quarantine", "reject"}
# By element and the one that it stands in.
WORDS = {
    "policy_published/discovery_method": {"psl", "treewalk"},
    "policy_published/p": POLICIES,
    "policy_published/sp": POLICIES,
    "policy_published/np": POLICIES,
    "policy_published/adkim": {"r", "s"},
    "policy_published/aspf": {"r", "s"},
    "policy_published/testing": {"n", "y"},
    "policy_evaluated/disposition": POLICIES | {"pass"},
    "policy_evaluated/dkim": {"pass", "fail"},
    "policy_evaluated/spf": {"pass", "fail"},
    "reason/type": {"local_policy", "mailing_list", "other", "policy_test_mode", "trusted_forwarder"},
    "dkim/result": {each.value for each in dkim.Result},
    "spf/result": {each.value for each in spf.Result},
    "spf/scope": {"mfrom"},
}


def examined(record: bytes) -> Observation:
    """As a message that fails, with a signature, makes it."""
    seen = observe(found(record, signed_by="list.test"), actions=[], is_refused=False, now=NEXT_MORNING)
    assert seen is not None
    return replace(seen, day=DAY)


def test_elements_stand_in_the_schemas_order_and_none_is_missing(reporting: Settings) -> None:
    count(*(examined(record) for record in (NONE, QUARANTINE, REJECT, REJECT + b"; t=y")))
    DmarcFeedback.objects.update(left_out=7)
    root = ET.fromstring(write_aggregate_report(report_about(only())))  # noqa: S314  our own
    seen = set()
    for element in root.iter():
        name = element.tag.rpartition("}")[2]
        children = [child.tag.rpartition("}")[2] for child in element]
        if not children:
            continue  # policy_evaluated has a dkim and an spf of its own
        seen.add(name)
        for child, text in zip(children, (child.text for child in element), strict=True):
            assert text in WORDS.get(f"{name}/{child}", {text})
        assert REQUIRED.get(name, set()) <= set(children)
        order = ORDER.get(name, [])
        if order:
            assert sorted(children, key=order.index) == children
    assert seen >= {*REQUIRED, "reason", "dkim"}
    assert [each.text for each in root.iter("{urn:ietf:params:xml:ns:dmarc-2.0}error")] == [
        "7 messages are left out: there were too many kinds of them."
    ]


def test_a_report_is_sent_once(reporting: Settings, far: DnsServer) -> None:
    count(observation())
    assert [send(far, later=timedelta(hours=hours)) for hours in range(30)] == [1] + [0] * 29
    assert len(queued()) == 1


def test_without_the_setting_nothing_is_sent(reporting: Settings, far: DnsServer) -> None:
    count(observation())
    reporting.DMARC_REPORTS = False
    assert send(far) == 0
    assert only().state == FeedbackState.COUNTING


def test_a_stranger_is_not_written_to(reporting: Settings, far: DnsServer) -> None:
    count(observation(uris=(ReportUri("mailto:victim@bank.test"),)))
    assert send(far) == 0
    feedback = only()
    assert feedback.state == FeedbackState.UNWANTED
    assert feedback.note == "bank.test does not say that it wants reports about far.test."
    assert queued() == []


def test_a_stranger_that_wants_it_is_written_to(reporting: Settings, far: DnsServer) -> None:
    far.say("far.test._report._dmarc.reader.test", "TXT", '"v=DMARC1"')
    count(observation(uris=(ReportUri("mailto:in@reader.test"), *OWN)))
    send(far)
    [(octets, message)] = queued()
    paths = sorted(message.recipients.values_list("forward_path", flat=True))
    assert paths == ["dmarc@far.test", "in@reader.test"]
    assert b"in@reader.test" in octets.partition(b"\r\n\r\n")[0]


def test_an_address_that_takes_smaller_ones_does_not_get_it(reporting: Settings, far: DnsServer) -> None:
    small = (ReportUri("mailto:small@far.test", 500), ReportUri("mailto:large@far.test", 1 << 20))
    count(observation(uris=small))
    send(far)
    [(octets, message)] = queued()
    assert list(message.recipients.values_list("forward_path", flat=True)) == ["large@far.test"]
    assert b"small@far.test" not in octets
    assert only().note.startswith("small@far.test takes 500 octets, and it has ")


def test_where_dns_does_not_answer_it_is_tried_again_and_then_given_up(
    reporting: Settings, far: DnsServer
) -> None:
    far.broken.add("far.test._report._dmarc.silent.test")
    count(observation(uris=(ReportUri("mailto:in@silent.test"),)))
    for attempt in range(1, PATIENCE.attempts):
        assert send(far, later=timedelta(hours=attempt)) == 0
        assert (only().state, only().attempts) == (FeedbackState.DUE, attempt)
    assert send(far, later=timedelta(hours=PATIENCE.attempts)) == 0
    assert only().state == FeedbackState.UNWANTED


def test_what_dns_leaves_open_keeps_nobody_else_waiting_for_ever(reporting: Settings, far: DnsServer) -> None:
    far.broken.add("far.test._report._dmarc.silent.test")
    count(observation(uris=(ReportUri("mailto:in@silent.test"), *OWN)))
    sent = [send(far, later=timedelta(hours=hours)) for hours in range(PATIENCE.attempts + 2)]
    assert sum(sent) == 1
    [(_, message)] = queued()
    assert message.recipients.get().forward_path == "dmarc@far.test"


def test_a_report_that_fails_keeps_no_other_one_back(reporting: Settings, far: DnsServer) -> None:
    count(observation(), observation("other.test"))
    DmarcFeedback.objects.filter(domain="far.test").update(policy={"odd": 1})
    assert send(far) == 1
    failed = DmarcFeedback.objects.get(domain="far.test")
    assert (failed.state, failed.attempts) == (FeedbackState.DUE, 1)
    assert "odd" in failed.note


def test_a_disk_without_room_puts_it_off(
    reporting: Settings, far: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise DiskNearlyFull

    count(observation())
    with monkeypatch.context() as patch:
        patch.setattr("delivery.feedback.mailing.accept_now", full)
        assert send(far) == 0
    assert (only().state, only().attempts) == (FeedbackState.DUE, 1)
    assert send(far, later=timedelta(hours=1)) == 1


def test_a_worker_that_dies_after_it_sent_has_sent_nothing(
    reporting: Settings, far: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    count(observation())
    with monkeypatch.context() as patch:
        patch.setattr("delivery.feedback.sending.DmarcFeedbackCopy.objects.bulk_create", killed)
        with pytest.raises(Killed):
            send(far)
    assert (queued(), only().state) == ([], FeedbackState.DUE)
    assert send(far) == 1
    assert len(queued()) == 1


def test_thousands_of_kinds_make_a_report_that_is_bounded(reporting: Settings, far: DnsServer) -> None:
    reporting.DMARC_REPORTS_MAX_OCTETS = 20_000
    many = [observation(ip=f"10.0.{n // 250}.{n % 250}", header_from=f"x{n}.far.test") for n in range(4_000)]
    count(*many, *many[:40])
    assert send(far) == 1
    report = attached(queued()[0][0])
    assert only().size_octets <= 20_000
    assert 100 < len(report.rows) < 4_000
    assert {row.count for row in report.rows[:40]} == {2}
    left_out = 4_040 - sum(row.count for row in report.rows)
    assert report.errors == (f"{left_out} messages are left out: the report would be too large.",)


def test_a_report_that_fits_is_whole(reporting: Settings) -> None:
    count(*(observation(ip=f"192.0.2.{number}") for number in range(9)))
    report = report_about(only())
    whole = packed(write_aggregate_report(report))
    assert pack(report, max_octets=len(whole)) == whole
    assert len(read_aggregate_report(pack(report, max_octets=1)).rows) == 1
    assert gzip.decompress(whole).startswith(b"<?xml")


def test_the_operator_sees_what_was_sent_and_what_became_of_it(
    client: Client,
    reporting: Settings,
    far: DnsServer,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    count(*[observation()] * 3)
    count(*(observation(f"quiet{n}.test", uris=(ReportUri("mailto:x@bank.test"),)) for n in range(30)))
    send(far)
    client.force_login(add_operator(login="root", password=PASSWORD, by="test"))
    listed = "/admin/delivery/dmarcfeedback/"
    page_of = f"{listed}{DmarcFeedback.objects.get(domain='far.test').pk}/change/"
    client.get(page_of)  # what Django looks up once in a process
    with django_assert_num_queries(4):  # session, operator, how many, the rows
        page = client.get(listed).content.decode()
    assert "dmarc@far.test" in page
    assert "nobody to send it to" in page
    with django_assert_num_queries(4):  # session, operator, the row, its copies
        shown = client.get(page_of).content.decode()
    assert "captured" in shown
    assert "delivery/queuedmessage/" in shown
    assert client.post(f"{listed}add/").status_code == 403


def test_two_workers_at_once_send_one_report(shared_db: None, settings: Settings) -> None:
    settings.DMARC_REPORTS, settings.HOSTNAME = True, "mx.race.test"
    count(observation("race.test"))
    DmarcFeedback.objects.filter(domain="race.test").update(state=FeedbackState.DUE, due_at=NEXT_MORNING)
    due = DmarcFeedback.objects.get(domain="race.test")
    allowed = Destinations((Destination(EmailAddress("dmarc", "race.test")),))
    start = threading.Barrier(4)
    sent: list[bool] = []

    def work() -> None:
        start.wait()
        sent.append(send_report(feedback=due, destinations=allowed, now=NEXT_MORNING))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sent) == [False, False, False, True]
    assert QueuedMessage.objects.filter(reverse_path="postmaster@mx.race.test").count() == 1
