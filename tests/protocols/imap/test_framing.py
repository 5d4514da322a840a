"""Framing: literals of both kinds, bounds, and cuts anywhere."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.imap.framing import (
    CommandText,
    CommandTooBig,
    Framer,
    FramingLimits,
    LiteralFollows,
)
from tests.protocols.imap.wire import frames

SMALL = FramingLimits(line=100, literal=10, message=1_000, command=200, literals=3)

SESSION = (
    b"a1 LOGIN {5}\r\nalice {6+}\r\nse\r\nt!\r\n"
    b'a2 SELECT "IN{5}"\r\n'
    b"a3 APPEND INBOX (\\Seen) {12}\r\nSubject: x\r\n\r\n"
    b"a4 NOOP\n"
)


def test_a_synchronising_literal_waits_for_the_plus() -> None:
    framer = Framer(FramingLimits())
    assert framer.feed_line(b"a LOGIN {5}") == LiteralFollows(5, is_synchronising=True, is_kept=True)
    framer.feed_literal(b"alice")
    assert framer.feed_line(b" {6+}") == LiteralFollows(6, is_synchronising=False, is_kept=True)
    framer.feed_literal(b"secret")
    assert framer.feed_line(b"") == CommandText(b"a LOGIN {5}\r\n {6+}\r\n", (b"alice", b"secret"))


def test_a_synchronising_literal_that_is_too_big_is_refused_before_it_is_read() -> None:
    assert Framer(SMALL).feed_line(b"a7 LOGIN {11}") == CommandTooBig("a7", "literal too big")


def test_a_non_synchronising_literal_that_is_too_big_is_read_past_and_refused_at_the_end() -> None:
    framer = Framer(SMALL)
    assert framer.feed_line(b"a LOGIN {11+}") == LiteralFollows(11, is_synchronising=False, is_kept=False)
    assert framer.feed_line(b" x {3+}") == LiteralFollows(3, is_synchronising=False, is_kept=False)
    assert framer.feed_line(b"") == CommandTooBig("a", "literal too big")
    assert framer.feed_line(b"b NOOP") == CommandText(b"b NOOP")


def test_only_append_may_carry_a_message() -> None:
    assert isinstance(Framer(SMALL).feed_line(b"a append INBOX {1000}"), LiteralFollows)
    assert isinstance(Framer(SMALL).feed_line(b"a append INBOX {1001}"), CommandTooBig)
    assert isinstance(Framer(SMALL).feed_line(b"a SEARCH TEXT {1000}"), CommandTooBig)


def test_a_mailbox_name_is_no_message_and_what_comes_behind_it_is() -> None:
    for command in (b"a APPEND", b"a UID REPLACE 7", b"a replace *"):
        framer = Framer(SMALL)
        assert framer.feed_line(command + b" {10}") == LiteralFollows(10, True, True, is_message=False)
        framer.feed_literal(b"x" * 10)
        assert framer.feed_line(b" () ~{1000}") == LiteralFollows(1_000, True, True, is_message=True)
        assert Framer(SMALL).feed_line(command + b" {11}") == CommandTooBig("a", "literal too big")
    assert Framer(SMALL).feed_line(b"a UID COPY 7 {1000}") == CommandTooBig("a", "literal too big")


def test_the_messages_of_a_command_are_bounded_together() -> None:
    framer = Framer(FramingLimits(message=1_000, messages=1_500))
    assert isinstance(framer.feed_line(b"a APPEND INBOX {1000}"), LiteralFollows)
    framer.feed_literal(b"x" * 1_000)
    assert framer.feed_line(b" {501}") == CommandTooBig("a", "literal too big")


def test_a_literal_for_which_there_is_no_room_is_read_past_where_it_is_on_its_way() -> None:
    framer = Framer(FramingLimits())
    waits, comes = framer.feed_line(b"a APPEND INBOX {10}"), LiteralFollows(10, False, True, True)
    assert isinstance(waits, LiteralFollows)
    assert framer.refuse_literal(waits, "no room") == CommandTooBig("a", "no room")
    assert framer.feed_line(b"b APPEND INBOX {10+}") == comes
    assert framer.refuse_literal(comes, "no room") == LiteralFollows(10, False, False)
    assert framer.feed_line(b"") == CommandTooBig("b", "no room")
    assert framer.feed_line(b"c NOOP") == CommandText(b"c NOOP")


def test_lines_literals_and_their_number_are_bounded() -> None:
    assert Framer(SMALL).feed_line(b"a " + b"x" * 99) == CommandTooBig("a", "line too long")
    assert Framer(SMALL).feed_line(b"(" * 101) == CommandTooBig("*", "line too long")
    framer = Framer(SMALL)
    for _ in range(3):
        assert isinstance(framer.feed_line(b"a {1}"), LiteralFollows)
        framer.feed_literal(b"x")
    assert framer.feed_line(b"{1}") == CommandTooBig("a", "literal too big")


def test_what_one_command_keeps_is_bounded() -> None:
    framer = Framer(FramingLimits(line=100, literal=100, command=150))
    framer.feed_line(b"a SEARCH " + b"x" * 60 + b" {60+}")
    framer.feed_literal(b"y" * 60)
    assert framer.feed_line(b"z" * 90) == CommandTooBig("a", "command too big")


def test_a_number_of_many_digits_is_no_literal() -> None:
    assert isinstance(Framer(SMALL).feed_line(b"a X {" + b"9" * 50 + b"}"), CommandText)


@given(st.sets(st.integers(0, len(SESSION))))
def test_cutting_anywhere_gives_the_same_commands(cuts: set[int]) -> None:
    edges = [0, *sorted(cuts), len(SESSION)]
    pieces = [SESSION[a:b] for a, b in pairwise(edges)]
    assert list(frames(pieces)) == list(frames([SESSION]))
    assert [len(event.literals) for event in frames(pieces) if isinstance(event, CommandText)] == [2, 0, 1, 0]


@given(st.lists(st.binary(max_size=60)))
def test_arbitrary_octets_are_framed_within_the_bounds(pieces: list[bytes]) -> None:
    for event in frames(pieces, SMALL):
        if isinstance(event, CommandText):
            assert len(event.octets) <= SMALL.command
            assert len(event.literals) <= SMALL.literals
