"""DMARC aggregate reports: read (RFC 9990, RFC 7489), written, and refused where they are bombs."""

import contextlib
import gzip
import io
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.dmarc.aggregate_reading import read_aggregate_report
from mailhost.protocols.dmarc.aggregate_reports import (
    AggregateReport,
    DkimOutcome,
    Override,
    PublishedPolicy,
    Row,
    SpfOutcome,
)
from mailhost.protocols.dmarc.aggregate_writing import (
    packed,
    report_filename,
    report_subject,
    write_aggregate_report,
)
from mailhost.protocols.dmarc.bounded_xml import branches
from mailhost.protocols.report_unpacking import PackingLimits, ReportUnreadable

OLD_FORM = b"""<?xml version="1.0" encoding="UTF-8" ?>
<feedback>
  <report_metadata>
    <org_name>Reporter</org_name> <email>dmarc@reporter.test</email>
    <report_id>1013662812</report_id>
    <date_range><begin>1767225600</begin><end>1767311999</end></date_range>
  </report_metadata>
  <policy_published>
    <domain>Example.test</domain> <adkim>r</adkim> <aspf>r</aspf> <p>reject</p> <sp>none</sp> <pct>100</pct>
  </policy_published>
  <record>
    <row>
      <source_ip>2001:DB8:0::1</source_ip> <count>3</count>
      <policy_evaluated>
        <disposition>none</disposition> <dkim>fail</dkim> <spf>pass</spf>
        <reason><type>forwarded</type><comment>a &amp; b</comment></reason>
      </policy_evaluated>
    </row>
    <identifiers> <header_from>example.test</header_from> </identifiers>
    <auth_results>
      <dkim><domain>list.test</domain><result>pass</result></dkim>
      <spf><domain>example.test</domain><result>pass</result></spf>
    </auth_results>
  </record>
</feedback>
"""
READ = AggregateReport(
    org_name="Reporter",
    email="dmarc@reporter.test",
    report_id="1013662812",
    begin=datetime(2026, 1, 1, tzinfo=UTC),
    end=datetime(2026, 1, 1, 23, 59, 59, tzinfo=UTC),
    policy=PublishedPolicy("example.test", "reject", sp="none", adkim="r", aspf="r"),
    rows=(
        Row(
            source_ip="2001:db8::1",
            count=3,
            disposition="none",
            dkim="fail",
            spf="pass",
            header_from="example.test",
            dkim_outcomes=(DkimOutcome("list.test", "", "pass"),),
            spf_outcomes=(SpfOutcome("example.test", "pass"),),
            overrides=(Override("forwarded", "a & b"),),
        ),
    ),
)


def zipped(*contents: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for index, content in enumerate(contents):
            archive.writestr(f"{index}.xml", content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "octets",
    [
        OLD_FORM,
        gzip.compress(OLD_FORM),
        gzip.compress(OLD_FORM) + b"\0" * 100,
        zipped(OLD_FORM),
        zipped(OLD_FORM, method=zipfile.ZIP_STORED),
        OLD_FORM.replace(b"<feedback>", b'<d:feedback xmlns:d="urn:x">').replace(
            b"</feedback>", b"</d:feedback>"
        ),
        OLD_FORM.decode().replace("UTF-8", "UTF-16").encode("utf-16"),
    ],
)
def test_a_report_is_read_however_it_is_packed(octets: bytes) -> None:
    assert read_aggregate_report(octets) == READ


def test_what_is_written_is_read_back() -> None:
    assert read_aggregate_report(packed(write_aggregate_report(READ))) == READ
    assert packed(write_aggregate_report(READ)) == packed(write_aggregate_report(READ))


def test_a_report_has_the_names_of_rfc_9990() -> None:
    root = ET.fromstring(write_aggregate_report(READ))  # noqa: S314  our own
    assert root.tag == "{urn:ietf:params:xml:ns:dmarc-2.0}feedback"
    order = [each.tag.partition("}")[2] for each in root]
    assert order == ["version", "report_metadata", "policy_published", "record"]
    assert report_filename(READ, receiver="mx.test") == "mx.test!example.test!1767225600!1767311999.xml.gz"
    named = report_filename(READ, receiver="mx.test", unique_id="a1")
    assert named == "mx.test!example.test!1767225600!1767311999!a1.xml.gz"
    assert report_subject(READ, receiver="mx.test") == (
        "Report Domain: example.test Submitter: mx.test Report-ID: <1013662812>"
    )


words = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp", "Cn", "Co"]), max_size=8
)
lowered = words.map(str.lower).filter(lambda word: word == word.lower())
moments = st.datetimes(datetime(1971, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)
rows = st.builds(
    Row,
    source_ip=st.ip_addresses().map(str),
    count=st.integers(0, 10**12 - 1),
    disposition=lowered,
    dkim=lowered,
    spf=lowered,
    header_from=lowered,
    envelope_from=lowered,
    envelope_to=lowered,
    dkim_outcomes=st.lists(st.builds(DkimOutcome, lowered, words, lowered, words), max_size=2).map(tuple),
    spf_outcomes=st.lists(st.builds(SpfOutcome, lowered, lowered, lowered, words), max_size=2).map(tuple),
    overrides=st.lists(st.builds(Override, lowered, words), max_size=2).map(tuple),
)
reports = st.builds(
    AggregateReport,
    org_name=words,
    email=words,
    report_id=words,
    begin=moments,
    end=moments,
    policy=st.builds(PublishedPolicy, st.just("example.test"), *[lowered] * 8),
    rows=st.lists(rows, max_size=3).map(tuple),
    extra_contact_info=words,
    generator=words,
    errors=st.lists(words, max_size=2).map(tuple),
)


@given(reports)
def test_any_report_comes_back(report: AggregateReport) -> None:
    assert read_aggregate_report(packed(write_aggregate_report(report))) == report


@given(st.text(max_size=30))
def test_no_text_breaks_the_report(text: str) -> None:
    row = Row(
        "192.0.2.1", 1, "none", "fail", "fail", text, dkim_outcomes=(DkimOutcome(text, text, text, text),)
    )
    made = AggregateReport(text, text, text, READ.begin, READ.end, READ.policy, (row,), errors=(text,))
    assert len(read_aggregate_report(write_aggregate_report(made)).rows) == 1


BILLION_LAUGHS = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">]><feedback>&a;</feedback>'
LONG_TAG = (
    b"<feedback><record " + b"".join(b'a%d="%s" ' % (i, b"x" * 90) for i in range(50_000)) + b"/></feedback>"
)
RECORD = OLD_FORM[OLD_FORM.index(b"  <record>") : OLD_FORM.index(b"</feedback>")]


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (gzip.compress(b"\0" * 20_000_000), "The report is no well-formed XML."),
        (gzip.compress(b"<feedback>" + b" " * 20_000_000), "The report is too large once it is unpacked."),
        (zipped(b"<feedback>" + b" " * 20_000_000), "The report is too large once it is unpacked."),
        (b"x" * 10_000_001, "The attachment is too large for a report."),
        (zipped(OLD_FORM, OLD_FORM), "The archive does not hold exactly one file."),
        (zipped(), "The report is no well-formed XML."),
        (
            zipped(OLD_FORM, method=zipfile.ZIP_BZIP2),
            "The archive is encrypted, or packed in a way that is not known here.",
        ),
        (gzip.compress(OLD_FORM)[:-60], "The archive ends too early."),
        (gzip.compress(OLD_FORM)[:40] + b"xxxxxxxxxx" * 20, "The archive is damaged."),
        (zipped(OLD_FORM)[:100], "The archive does not hold exactly one file."),
        (b"PK\x03\x04PK\x05\x06", "The archive is damaged."),
        (BILLION_LAUGHS, "The report has a document type, which could define anything."),
        (b"<feedback>&x;</feedback>", "The report is no well-formed XML."),
        (b"<feedback>" + b"<a>" * 13, "The report has too many elements in one another."),
        (b"<feedback><record>" + b"<a/>" * 3000, "The report has too many elements in one another."),
        (b"<feedback><record><row>" + b"x" * 20_000, "The report has a text that is too long."),
        (LONG_TAG, "The report has a tag that is too long."),
        (b"<html/>", "The file is no such report."),
        (b"", "The report is no well-formed XML."),
        (b"<feedback/>", "The report does not say who made it, or about which policy."),
        (OLD_FORM.replace(b"2001:DB8:0::1", b"here"), "A record of the report has no IP address."),
        (
            OLD_FORM.replace(b">3<", b">-3<"),
            "A record of the report does not say how many messages it is about.",
        ),
        (OLD_FORM.replace(b"1767225600", b"yesterday"), "The report does not say which days it is about."),
        (OLD_FORM.replace(b"1767225600", b"999999999999"), "The report does not say which days it is about."),
        (OLD_FORM.replace(b"Example.test", b" "), "The report does not say about which domain it is."),
    ],
)
def test_what_is_no_report_or_a_bomb_is_refused(octets: bytes, reason: str) -> None:
    with pytest.raises(ReportUnreadable) as fact:
        read_aggregate_report(octets)
    assert str(fact.value) == reason


@pytest.mark.parametrize("pack", [gzip.compress, zipped])
def test_a_bomb_is_unpacked_no_further_than_its_bound(pack: Callable[[bytes], bytes]) -> None:
    bomb = pack(b"<feedback>" + b" " * 30_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(ReportUnreadable, match="too large once it is unpacked"):
            read_aggregate_report(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000


def test_a_zip_archive_that_lies_about_sizes_yields_no_more() -> None:
    honest = zipped(b"<feedback>" + b" " * 3_000_000)
    lying = honest.replace((3_000_010).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != honest
    with pytest.raises(ReportUnreadable, match="too large once it is unpacked"):
        read_aggregate_report(lying)


def test_elements_are_counted_however_they_are_spread() -> None:
    spread = b"<feedback>" + b"<x><y/></x>" * 10 + b"</feedback>"
    assert len(list(branches([spread], root="feedback", max_elements=21))) == 10
    with pytest.raises(ReportUnreadable, match="too many elements"):
        list(branches([spread], root="feedback", max_elements=20))


def test_records_are_counted() -> None:
    many = OLD_FORM.replace(RECORD, RECORD * 11)
    assert len(read_aggregate_report(many, max_rows=11).rows) == 11
    with pytest.raises(ReportUnreadable, match="more than 10 records"):
        read_aggregate_report(many, max_rows=10)


def test_a_large_honest_report_is_read() -> None:
    large = packed(OLD_FORM.replace(RECORD, RECORD * 3000))
    assert len(read_aggregate_report(large, limits=PackingLimits(ratio=1000)).rows) == 3000


@given(st.integers(0, len(OLD_FORM)), st.binary(max_size=4), st.sampled_from([bytes, gzip.compress, zipped]))
def test_any_octets_are_read_or_refused(at: int, octets: bytes, pack: object) -> None:
    assert callable(pack)
    damaged = OLD_FORM[:at] + octets + OLD_FORM[at + len(octets) :]
    whole = pack(damaged)
    for attempt in (
        whole,
        whole[: at % len(whole)],
        whole[: at % len(whole)] + octets + whole[at % len(whole) :],
    ):
        with contextlib.suppress(ReportUnreadable):
            assert read_aggregate_report(attempt).policy.domain
