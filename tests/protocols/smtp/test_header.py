"""The header as it passes through, the originators in it, and the fields that are added."""

from collections import Counter
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress
from mailhost.protocols.message.scanner import scan
from mailhost.protocols.smtp.header import (
    begins_with_a_field,
    field_names,
    first_fields,
    header_end,
    is_well_formed,
    scan_fields,
    without_fields,
)
from mailhost.protocols.smtp.originators import parse_originators
from mailhost.protocols.smtp.paths import ReversePath
from mailhost.protocols.smtp.trace_fields import (
    Hop,
    format_date,
    message_id_field,
    received_field,
    return_path_field,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MESSAGE = b"From: a@b.test\r\nBcc: c@d.test,\r\n e@f.test\r\nSubject : x\r\n\r\nBcc: body\r\n"


@pytest.mark.parametrize(
    ("octets", "header"),
    [
        (MESSAGE, MESSAGE[:-13]),
        (b"A: b\n\nc\r\n\r\n", b"A: b\n"),
        (b"A: b\r\n", b"A: b\r\n"),
        (b"\r\nA: b\r\n\r\n", b""),
        (b"\nA: b\r\n\r\n", b""),
        (b"", b""),
    ],
)
def test_a_blank_line_ends_the_header(octets: bytes, header: bytes) -> None:
    assert octets[: header_end(octets)] == header


def test_fields_are_found_and_cut_out() -> None:
    fields = scan_fields(MESSAGE[: header_end(MESSAGE)])
    assert [field.name for field in fields] == field_names(MESSAGE[: header_end(MESSAGE)])
    assert [field.name for field in fields] == [b"from", b"bcc", b"subject"]
    assert without_fields(MESSAGE, fields[1:2]) == b"From: a@b.test\r\nSubject : x\r\n\r\nBcc: body\r\n"


def test_a_field_behind_a_bare_cr_is_one() -> None:
    """As every reader sees it once the message has left with CRLF."""
    header = b"Subject: x\rReceived: a\r b\r\nTo: c\r\rBcc: d\r\n"
    fields = scan_fields(header)
    names = [b"subject", b"received", b"to", b"bcc"]
    assert [field.name for field in fields] == field_names(header) == names
    assert without_fields(header, fields[1:2]) == b"Subject: x\rTo: c\r\rBcc: d\r\n"


LINES = st.lists(
    st.sampled_from([b"A: b", b"a :", b" c", b"\t", b"no field", b"", b":", b"\r", b"\n", b"\r\n", b"\n\r"])
)


@given(LINES)
def test_no_field_that_readers_see_is_overlooked(lines: list[bytes]) -> None:
    octets = b"A: b\r\n" + b"".join(lines)
    seen = [name for name, values in scan(octets).fields.items() for _ in values]
    found = field_names(octets[: header_end(octets)])
    assert not Counter(seen) - Counter(found)


@given(LINES)
def test_the_first_fields_of_a_name_are_those_of_the_whole_header(lines: list[bytes]) -> None:
    header = b"A: b\r\n" + b"".join(lines)
    fields = scan_fields(header)
    firsts = {field.name: header[field.value_start : field.end] for field in reversed(fields)}
    assert first_fields(header, {b"a", b"d"}) == {
        name: value for name, value in firsts.items() if name in (b"a", b"d")
    }


def test_a_message_without_a_header_is_known() -> None:
    assert begins_with_a_field(MESSAGE)
    assert not begins_with_a_field(b"Hello,\r\nworld: yes\r\n")
    assert not begins_with_a_field(b"\r\nFrom: a@b.test\r\n")


@pytest.mark.parametrize(
    ("header", "is_good"),
    [
        (b"", True),
        (b"A: b\r\n c\r\nD:\r\n", True),
        (b"A: b\nD: e\n", True),
        (b"stray\r\nA: b\r\n", False),
        (b"A: b\r\nstray\r\nFrom: c@d.test\r\n", False),
        (b"A: b\rFrom: c@d.test\r\n", False),
        (b"A: b\0\r\n", False),
    ],
)
def test_a_header_that_readers_could_see_differently_is_known(header: bytes, is_good: bool) -> None:
    assert is_well_formed(header) is is_good


@given(st.binary(max_size=200))
def test_any_octets_can_be_scanned(octets: bytes) -> None:
    header = octets[: header_end(octets)]
    fields = scan_fields(header)
    assert all(0 <= field.start < field.value_start <= field.end <= len(header) for field in fields)
    assert without_fields(octets, []) == octets


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        (b" alice@example.test\r\n", ["alice@example.test"]),
        (b" <alice@example.test>\r\n", ["alice@example.test"]),
        (b" Alice Example <alice@example.test>\r\n", ["alice@example.test"]),
        (b" =?utf-8?q?Al=C3=AFce?= <alice@example.test>\r\n", ["alice@example.test"]),
        (b' "Example, Alice" <alice@example.test>\r\n', ["alice@example.test"]),
        (b' "a \\" <evil@example.test>" <alice@example.test>\r\n', ["alice@example.test"]),
        (b" alice@example.test (evil@example.test (nested))\r\n", ["alice@example.test"]),
        (b" Alice\r\n <alice@example.test>\r\n", ["alice@example.test"]),
        (b" a@b.test, B <b@b.test>,, c@b.test\r\n", ["a@b.test", "b@b.test", "c@b.test"]),
        (b" Team: a@b.test, <b@b.test>;\r\n", ["a@b.test", "b@b.test"]),
        (b" alice . example @ example . test\r\n", ["alice.example@example.test"]),
        (b' "alice b"@example.test\r\n', ['"alice b"@example.test']),
        (b" alice@[192.0.2.1]\r\n", ["alice@[192.0.2.1]"]),
        (" Älice <älice@bücher.test>\r\n".encode(), ["älice@xn--bcher-kva.test"]),
        (b" \xff <alice@example.test>\r\n", ["alice@example.test"]),
        (b" undisclosed:;\r\n", []),
        (b"\r\n", []),
    ],
)
def test_originators_are_read(value: bytes, addresses: list[str]) -> None:
    assert parse_originators(value) == [EmailAddress.parse(address) for address in addresses]


@pytest.mark.parametrize(
    "value",
    [
        b" alice\r\n",
        b" alice example@example.test\r\n",
        b" alice@example.test <evil@example.test>\r\n",
        b" <evil@example.test> <alice@example.test>\r\n",
        b" <alice@example.test> evil\r\n",
        b" <alice@example.test\r\n",
        b" alice@example.test>\r\n",
        b" alice@example.test (\r\n",
        b" alice@example.test )\r\n",
        b' "alice <alice@example.test>\r\n',
        b" <@a.test:alice@example.test>\r\n",
        b" a: b: c@example.test;;\r\n",
        b" \xff@example.test\r\n",
        b" a@b@example.test\r\n",
        b" " * 30_000,
    ],
)
def test_originators_that_can_be_misread_are_refused(value: bytes) -> None:
    with pytest.raises(AddressSyntaxError):
        parse_originators(value)


@given(st.text(st.sampled_from('ab@<>(),:;"\\. \r\n\t[]é\ud800'), max_size=40))
def test_any_originators_are_read_or_refused(text: str) -> None:
    try:
        addresses = parse_originators(text.encode(errors="replace"))
    except AddressSyntaxError:
        return
    assert [EmailAddress.parse(str(address)) for address in addresses] == addresses


def test_the_received_field() -> None:
    hop = Hop(
        "client.test", "192.0.2.7", "mx.example.test", "ab12", tls="TLSv1.3", cipher="TLS_AES_256_GCM_SHA384"
    )
    assert received_field(hop, forward_path="alice@example.test", now=NOW) == (
        b"Received: from client.test ([192.0.2.7])\r\n"
        b"\tby mx.example.test with ESMTPS id ab12\r\n"
        b"\tfor <alice@example.test>\r\n"
        b"\ttls TLS_AES_256_GCM_SHA384 (TLSv1.3);\r\n"
        b"\tFri, 2 Jan 2026 03:04:05 +0000\r\n"
    )


@pytest.mark.parametrize(
    ("hop", "word"),
    [
        (Hop("a", "::1", "b", "c", is_extended=False), "SMTP"),
        (Hop("a", "::1", "b", "c"), "ESMTP"),
        (Hop("a", "::1", "b", "c", is_authenticated=True), "ESMTPA"),
        (Hop("a", "::1", "b", "c", tls="TLSv1.2", is_authenticated=True), "ESMTPSA"),
        (Hop("a", "::1", "b", "c", tls="TLSv1.2", is_smtputf8=True), "UTF8SMTPS"),
    ],
)
def test_the_protocol_word_says_how_it_came(hop: Hop, word: str) -> None:
    field = received_field(hop, now=NOW)
    assert f" with {word} id ".encode() in field
    assert b"([IPv6:::1])" in field


@given(st.text(max_size=300))
def test_no_helo_breaks_the_field(helo: str) -> None:
    field = received_field(Hop(helo, "192.0.2.7", "mx.example.test", "ab12"), now=NOW)
    assert field.count(b"\n") == 3
    assert field.isascii()


def test_the_other_fields() -> None:
    assert return_path_field(ReversePath(None)) == b"Return-Path: <>\r\n"
    assert message_id_field(unique="x", host="h.test") == b"Message-ID: <x@h.test>\r\n"


@given(st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001  timezones adds it
def test_dates_are_read_back(now: datetime) -> None:
    assert parsedate_to_datetime(format_date(now)) == now.replace(microsecond=0)
