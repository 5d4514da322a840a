"""What the header rules find, and what they leave alone."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.filters.header_rules import header_findings
from tests.delivery.filters.letters import letter

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def results(*fields: str, without: str = "") -> list[str]:
    return [finding.result for finding in header_findings(letter(*fields, without=without), now=NOW)]


def test_an_ordinary_message_has_nothing_to_find() -> None:
    assert results("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Reply-To: office@far.test") == []


@pytest.mark.parametrize(
    ("without", "result"),
    [("From", "no-from"), ("Date", "no-date"), ("Message-ID", "no-message-id"), ("To", "no-recipients")],
)
def test_fields_that_every_message_has_are_missed(without: str, result: str) -> None:
    assert results(without=without) == [result]


def test_a_second_from_is_seen() -> None:
    assert results("From: eve@elsewhere.test") == ["repeated"]


@pytest.mark.parametrize(
    ("date", "result"),
    [
        ("Wed, 25 Nov 2026 10:00:00 +0000", "date-ahead"),
        ("Mon, 28 Sep 2026 10:00:00 +0000", "date-behind"),
        ("yesterday", "date-unreadable"),
    ],
)
def test_dates_that_cannot_be_are_seen(date: str, result: str) -> None:
    assert results(f"Date: {date}", without="Date") == [result]


@pytest.mark.parametrize(
    ("sender", "score"),
    [
        ('"boss@here.test" <x@elsewhere.test>', 3.0),
        ("=?utf-8?q?service=40bank.test?= <x@elsewhere.test>", 1.5),
    ],
)
def test_a_name_that_is_anothers_address_is_seen(sender: str, score: float) -> None:
    [finding] = header_findings(letter(f"From: {sender}", without="From"), now=NOW)
    assert (finding.result, finding.score) == ("name-is-another-address", score)
    assert "elsewhere.test" in finding.text


def test_a_name_that_is_the_address_is_no_pretence() -> None:
    assert results('From: "ann@far.test" <ann@mail.far.test>', without="From") == []


def test_a_domain_in_other_letters_is_taken_for_what_it_looks_like() -> None:
    cyrillic = "h\u0435r\u0435.test".encode("idna").decode()
    [finding] = header_findings(letter(f"From: Bob <bob@{cyrillic}>", without="From"), now=NOW)
    assert finding.result == "look-alike-domain"
    assert "here.test" in finding.text


def test_mixed_alphabets_are_seen_and_one_is_not() -> None:
    mixed, one = (
        "b\u0430nk.test".encode("idna").decode(),
        "\u043f\u043e\u0447\u0442\u0430.test".encode("idna").decode(),
    )
    assert results(f"From: x@{mixed}", without="From") == ["mixed-alphabets"]
    assert "mixed-alphabets" not in results(f"From: x@{one}", without="From")


def test_answers_of_our_sender_that_go_elsewhere_are_seen() -> None:
    fields = ("From: Boss <boss@here.test>", "Reply-To: boss@gmail.test")
    assert results(*fields, without="From") == ["answers-go-elsewhere"]
    assert results("From: Boss <boss@here.test>", "Reply-To: desk@here.test", without="From") == []


def test_a_list_without_end_is_read_up_to_a_bound_and_counts() -> None:
    message = letter(f"From: {'a@far.test, ' * 100_000}b@far.test", without="From")
    assert "endless-list" in [finding.result for finding in header_findings(message, now=NOW)]
    assert len(message.addresses(b"from")) < 1_000


def test_shouting_is_heard_where_there_is_enough_of_it() -> None:
    assert results("Subject: MAKE MONEY FAST TODAY") == ["shouted-subject"]
    assert results("Subject: RE: FYI") == []


def test_octets_that_are_no_text_are_seen() -> None:
    assert results("Subject: caf\udce9") == ["unreadable-octets"]
    assert results("Subject: café") == []


@given(st.binary(max_size=600))
def test_no_octets_make_a_rule_fail(octets: bytes) -> None:
    message = letter()
    for finding in header_findings(type(message)(**{**vars(message), "octets": octets}), now=NOW):
        assert finding.text.isprintable()
