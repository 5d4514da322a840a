"""MTA-STS records and policies (RFC 8461): what counts, what is refused, and which hosts are allowed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.mta_sts import (
    MAX_AGE_SECONDS,
    MAX_PATTERNS,
    MAX_POLICY_OCTETS,
    Mode,
    NoRecord,
    PolicyInvalid,
    RecordInvalid,
    StsPolicy,
    parse_policy,
    record_id,
)

POLICY = (
    b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"
)


@pytest.mark.parametrize(
    "text",
    [
        b"v=STSv1; id=20160831085700Z;",
        b"v=STSv1;id=20160831085700Z",
        b"v=STSv1 ; a=b ;\tid=20160831085700Z ;",
    ],
)
def test_the_id_of_a_record_is_found(text: bytes) -> None:
    assert record_id([b"something else", text]) == "20160831085700Z"


@pytest.mark.parametrize("texts", [[], [b"v=spf1 -all"], [b"V=STSv1; id=1;"], [b"v=STSv10; id=1;"]])
def test_other_texts_are_no_record(texts: list[bytes]) -> None:
    with pytest.raises(NoRecord) as told:
        record_id(texts)
    assert type(told.value) is NoRecord


@pytest.mark.parametrize(
    "texts",
    [
        [b"v=STSv1; id=1;", b"v=STSv1; id=2;"],
        [b"v=STSv1;"],
        [b"v=STSv1; id=;"],
        [b"v=STSv1; id=a-b;"],
        [b"v=STSv1; id=" + b"a" * 33],
        [b"v=STSv1; id=1; id=2;"],
        [b"v=STSv1; id=1;; a=b"],
        [b"v=STSv1; ID=1;"],
        [b"v=STSv1; id=1; a=\xff"],
        [b"v=STSv1; id=1; a=" + b"b" * 5_000],
    ],
)
def test_a_record_that_is_invalid_or_not_alone_does_not_count(texts: list[bytes]) -> None:
    with pytest.raises(RecordInvalid):
        record_id(texts)


def test_a_policy_is_read() -> None:
    expected = StsPolicy(Mode.ENFORCE, 604800, ("mail.example.com", "*.example.net"))
    assert parse_policy(POLICY) == expected
    assert parse_policy(POLICY.replace(b"\r\n", b"\n").removesuffix(b"\n")) == expected


def test_of_a_field_that_comes_twice_the_first_counts() -> None:
    assert parse_policy(POLICY + b"mode: none\nmax_age: 1\nnew_field: x\n") == parse_policy(POLICY)


def test_a_policy_holds_a_year_at_most() -> None:
    assert parse_policy(POLICY.replace(b"604800", b"9999999999")).max_age_seconds == MAX_AGE_SECONDS


def test_only_mode_none_needs_no_host() -> None:
    assert parse_policy(b"version: STSv1\nmode: none\nmax_age: 60\n") == StsPolicy(Mode.NONE, 60, ())
    with pytest.raises(PolicyInvalid, match="no MX host"):
        parse_policy(b"version: STSv1\nmode: testing\nmax_age: 60\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"STSv1", b"STSv2"),
        (b"enforce", b"Enforce"),
        (b"604800", b"-1"),
        (b"604800", b"12345678901"),
        (b"604800", "٣".encode()),
        (b"*.example.net", b"mx.*.example.net"),
        (b"*.example.net", b"*"),
        (b"*.example.net", b""),
        (b"mail.example.com", b"mail..example.com"),
        (b"mode:", b"mode"),
        (b"version", b"ver\xff"),
        (b"max_age: 604800", b""),
        (b"max_age: 604800", b"max_age: 604800\r\n<html>"),
    ],
)
def test_what_is_no_policy_is_refused(old: bytes, new: bytes) -> None:
    with pytest.raises(PolicyInvalid):
        parse_policy(POLICY.replace(old, new))


def test_policies_are_bounded() -> None:
    with pytest.raises(PolicyInvalid, match="64 KB"):
        parse_policy(POLICY + b"x: " + b"y" * MAX_POLICY_OCTETS)
    with pytest.raises(PolicyInvalid, match="more than"):
        parse_policy(POLICY + b"".join(b"mx: m%d.example\n" % number for number in range(MAX_PATTERNS)))


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("mail.example.com", True),
        ("MAIL.example.COM.", True),
        ("a.example.net", True),
        ("a.b.example.net", False),
        ("example.net", False),
        ("evilexample.net", False),
        ("mail.example.com.evil.example", False),
        ("", False),
    ],
)
def test_a_star_stands_for_one_label(host: str, allowed: bool) -> None:
    assert parse_policy(POLICY).allows(host) is allowed


@given(st.binary(max_size=300), st.binary(max_size=60))
def test_any_octets_give_a_policy_or_a_refusal(octets: bytes, more: bytes) -> None:
    for each in (octets, POLICY + octets, POLICY.replace(b"604800", more)):
        try:
            policy = parse_policy(each)
        except PolicyInvalid:
            continue
        assert 0 <= policy.max_age_seconds <= MAX_AGE_SECONDS
        assert policy.patterns or policy.mode is Mode.NONE


@given(st.lists(st.binary(max_size=60), max_size=3), st.binary(max_size=60))
def test_any_texts_give_an_id_or_no_record(texts: list[bytes], more: bytes) -> None:
    try:
        found = record_id([*texts, b"v=STSv1;" + more])
    except NoRecord:
        return
    assert found.isalnum()
    assert found.isascii()
    assert len(found) <= 32
