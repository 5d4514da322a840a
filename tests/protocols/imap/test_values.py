"""Round trips and laws of the small values: sets, names, patterns, dates, strings."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.imap.capabilities import capabilities
from mailhost.protocols.imap.cursor import Cursor
from mailhost.protocols.imap.dates import format_date_time, take_date_time
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.framing import CommandText
from mailhost.protocols.imap.list_patterns import Patterns, matches
from mailhost.protocols.imap.responses import astring, no, ok, string
from mailhost.protocols.imap.sequence_sets import SequenceSet, format_set, take_sequence_set
from mailhost.protocols.imap.states import State
from mailhost.protocols.imap.utf7 import decode_name, encode_name
from tests.protocols.imap.wire import frame

NUMBERS = st.integers(1, 0xFFFF_FFFF)
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)


def cursor(octets: bytes) -> Cursor:
    return Cursor(CommandText(octets))


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("INBOX", b"INBOX"),
        ("~peter/mail/台北/日本語", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"),  # RFC 3501 section 5.1.3
        ("Entwürfe", b"Entw&APw-rfe"),
        ("R&D", b"R&-D"),
        ("😀", b"&2D3eAA-"),
    ],
)
def test_names_in_modified_utf7(name: str, wire: bytes) -> None:
    assert encode_name(name) == wire
    assert decode_name(wire) == name


@given(NAMES)
def test_every_name_comes_back(name: str) -> None:
    assert encode_name(name).isascii()
    assert decode_name(encode_name(name)) == name


@given(st.binary(max_size=30))
def test_a_name_that_is_read_has_one_spelling(octets: bytes) -> None:
    try:
        name = decode_name(octets)
    except ImapSyntaxError:
        return
    assert encode_name(name) == octets or b"&" not in octets


@given(st.lists(st.tuples(NUMBERS, NUMBERS | st.just(0)), min_size=1, max_size=9))
def test_a_sequence_set_comes_back(ranges: list[tuple[int, int]]) -> None:
    numbers = SequenceSet(tuple(ranges))
    assert take_sequence_set(cursor(str(numbers).encode())) == numbers


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 40)), min_size=1), st.sets(st.integers(1, 40)))
def test_uid_sets_find_what_they_name(ranges: list[tuple[int, int]], present: set[int]) -> None:
    uids = sorted(present)
    last = uids[-1] if uids else 0
    named = {n for a, b in ranges for n in range(min(a or last, b or last), max(a or last, b or last) + 1)}
    found = [u for a, b in SequenceSet(tuple(ranges)).positions_of_uids(uids) for u in uids[a:b]]
    assert found == sorted(named & present)


def test_sequence_numbers_beyond_the_last_are_refused_except_beside_a_star() -> None:
    assert SequenceSet(((2, 0), (1, 1))).positions(3) == [(0, 3)]
    assert SequenceSet(((5, 0),)).positions(3) == [(2, 3)]
    assert SequenceSet(((1, 0),)).positions(0) == []
    assert SequenceSet(((0, 0),)).positions(0) == []
    with pytest.raises(ImapSyntaxError):
        SequenceSet(((4, 4),)).positions(3)
    with pytest.raises(ImapSyntaxError):
        SequenceSet(((1, 4),)).positions(3)


@given(st.lists(NUMBERS, max_size=20))
def test_a_formatted_set_keeps_its_order(numbers: list[int]) -> None:
    text = format_set(numbers)
    if numbers:
        ranges = take_sequence_set(cursor(text.encode())).ranges
        assert [n for a, b in ranges for n in range(a, b + 1)] == numbers
    else:
        assert text == ""


def test_runs_become_ranges() -> None:
    assert format_set([1, 2, 3, 7, 9, 10]) == "1:3,7,9:10"


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*", "a/b", True),
        ("%", "a/b", False),
        ("%", "a", True),
        ("a/%", "a/b", True),
        ("a/%", "a/b/c", False),
        ("a*", "a/b/c", True),
        ("%/%", "a/b", True),
        ("inbox", "INBOX", True),
        ("iNb%", "INBOX", True),
        ("inbox/%", "INBOX/a", True),
        ("sent", "Sent", False),
        ("", "a", False),
        ("*%*%*%*%*%*%*%*%*x", "a" * 500, False),
    ],
)
def test_patterns(pattern: str, name: str, *, expected: bool) -> None:
    assert matches(pattern, name) is expected


@given(st.text("ab/*%", max_size=8), st.text("ab/", max_size=8))
def test_patterns_agree_with_a_regex(pattern: str, name: str) -> None:
    regex = "".join({"*": ".*", "%": "[^/]*"}.get(c, re.escape(c)) for c in pattern)
    assert matches(pattern, name) is (re.fullmatch(regex, name) is not None)


@given(st.lists(st.text("ab/*%", max_size=6), max_size=4), st.text("ab/", max_size=8))
def test_many_patterns_are_each_of_them(patterns: list[str], name: str) -> None:
    assert Patterns(patterns).match(name) is any(matches(pattern, name) for pattern in patterns)


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda moment: 1900 < moment.year < 9999))
def test_a_moment_comes_back(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    assert take_date_time(cursor(format_date_time(int(moment.timestamp())))) == moment


@given(st.binary(max_size=2_000))
def test_every_string_comes_back(octets: bytes) -> None:
    for wire in (string(octets), astring(octets)):
        if b"\x00" not in octets:
            read = Cursor(frame(wire))
            assert read.astring_octets() == octets
            read.end()


@given(st.text())
def test_no_text_breaks_a_status_line(text: str) -> None:
    wire = no(text, "CANNOT").to_wire("a")
    assert wire.count(b"\r\n") == 1
    assert wire.isascii()
    assert wire.startswith(b"a NO [CANNOT] ")


def test_a_status_line() -> None:
    assert ok("done").to_wire("a1") == b"a1 OK done\r\n"


def test_capabilities_say_what_this_connection_may_do() -> None:
    before = capabilities(State.NOT_AUTHENTICATED, may_start_tls=True, may_log_in=False, mechanisms=())
    assert "STARTTLS LOGINDISABLED" in before
    assert "AUTH=PLAIN" not in before
    after = capabilities(State.AUTHENTICATED, may_start_tls=False, may_log_in=True, mechanisms=("PLAIN",))
    assert "UIDPLUS" in after
    assert "AUTH=" not in after
    without = capabilities(
        State.AUTHENTICATED,
        may_start_tls=False,
        may_log_in=True,
        mechanisms=(),
        switched_off=frozenset({"MOVE"}),
    )
    assert "MOVE" not in without.split()
