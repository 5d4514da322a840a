"""What milters say, and what it does to a header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.milter.answers import (
    MAX_TEXT,
    Answer,
    FieldAdded,
    FieldChanged,
    HeaderChange,
    Quarantined,
    Replied,
    Word,
    parse_answer,
)
from mailhost.protocols.milter.header_changes import apply_changes
from mailhost.protocols.milter.packets import MilterSyntaxError, Packet
from mailhost.protocols.smtp.header import header_end, scan_fields
from mailhost.protocols.smtp.replies import Reply

LETTER = b"A: 1\r\nB: 2\r\n\tmore\r\nA: 3\r\n\r\nText.\r\n"


@pytest.mark.parametrize(
    ("packet", "answer"),
    [
        (Packet(b"c"), Word.CONTINUE),
        (Packet(b"y", b"550 5.7.1 No thanks\0"), Replied(Reply(550, "5.7.1", "No thanks"))),
        (Packet(b"y", b"451 Later\0"), Replied(Reply(451, "4.7.1", "Later"))),
        (Packet(b"y", b"550 4.7.1 Odd\0"), Replied(Reply(550, "5.7.1", "Odd"))),
        (Packet(b"y", b"421 4.7.0 Bye\0"), Replied(Reply(451, "4.7.0", "Bye"))),
        (Packet(b"y", b"550 5.7.1 100%% sure\r\n250 ok\0"), Replied(Reply(550, "5.7.1", "100% sure"))),
        (Packet(b"y", b"554\0"), Replied(Reply(554, "5.7.1", "Refused by a filter of this host"))),
        (Packet(b"h", b"X-A\0b\0"), FieldAdded(b"X-A", b"b")),
        (Packet(b"h", b"X-A\0b\nc\n\n\td\0"), FieldAdded(b"X-A", b"b\r\n\tc\r\n\td")),
        (Packet(b"i", b"\0\0\0\1X-A\0b\0"), FieldAdded(b"X-A", b"b", 1)),
        (Packet(b"m", b"\0\0\0\2X-A\0\0"), FieldChanged(b"X-A", b"", 2)),
        (Packet(b"q", b"looks\nodd\0"), Quarantined("looks odd")),
    ],
)
def test_answers_are_understood(packet: Packet, answer: Answer) -> None:
    assert parse_answer(packet) == answer


@pytest.mark.parametrize(
    "packet",
    [
        Packet(b"b", b"another body"),
        Packet(b"+", b"<eve@evil.test>\0"),
        Packet(b"-", b"<bob@here.test>\0"),
        Packet(b"e", b"<eve@evil.test>\0"),
        Packet(b"y", b"250 fine\0"),
        Packet(b"y", b"550 no end"),
        Packet(b"h", b"X\0"),
        Packet(b"h", b"X: y\r\nZ\0b\0"),
        Packet(b"h", b"\0b\0"),
        Packet(b"h", b"X\0" + b"y" * 20_000 + b"\0"),
        Packet(b"i", b"\0\0"),
        Packet(b"q", b"no end"),
        Packet(b"?"),
    ],
)  # fmt: skip
def test_what_was_not_agreed_on_or_makes_no_sense_is_refused(packet: Packet) -> None:
    with pytest.raises(MilterSyntaxError):
        parse_answer(packet)


@given(st.binary(min_size=1, max_size=1), st.binary(max_size=100))
def test_any_packet_is_understood_or_refused(letter: bytes, content: bytes) -> None:
    try:
        answer = parse_answer(Packet(letter, content))
    except MilterSyntaxError:
        return
    if isinstance(answer, Replied):
        assert 400 <= answer.reply.code < 600
        assert answer.reply.enhanced[0] == str(answer.reply.code)[0]
        assert answer.reply.encode().count(b"\r\n") == 1
        assert len(answer.reply.text) <= MAX_TEXT


@pytest.mark.parametrize(
    ("changes", "header"),
    [
        ([FieldAdded(b"C", b"4")], b"A: 1\r\nB: 2\r\n\tmore\r\nA: 3\r\nC: 4\r\n"),
        ([FieldAdded(b"C", b"4", 0)], b"C: 4\r\nA: 1\r\nB: 2\r\n\tmore\r\nA: 3\r\n"),
        ([FieldAdded(b"C", b" 4\r\n\t5", 2)], b"A: 1\r\nB: 2\r\n\tmore\r\nC: 4\r\n\t5\r\nA: 3\r\n"),
        ([FieldAdded(b"C", b"4", 99)], b"A: 1\r\nB: 2\r\n\tmore\r\nA: 3\r\nC: 4\r\n"),
        ([FieldChanged(b"a", b"9", 2)], b"A: 1\r\nB: 2\r\n\tmore\r\na: 9\r\n"),
        ([FieldChanged(b"B", b"", 1)], b"A: 1\r\nA: 3\r\n"),
        ([FieldChanged(b"B", b"", 2)], LETTER[: LETTER.index(b"\r\n\r\n") + 2]),
        ([FieldChanged(b"D", b"new", 1)], b"A: 1\r\nB: 2\r\n\tmore\r\nA: 3\r\nD: new\r\n"),
        ([FieldChanged(b"A", b"", 1), FieldChanged(b"A", b"9", 1)], b"B: 2\r\n\tmore\r\nA: 9\r\n"),
    ],
)
def test_a_header_is_changed_as_it_was_asked(changes: list[HeaderChange], header: bytes) -> None:
    assert apply_changes(LETTER, changes) == header + b"\r\nText.\r\n"


def test_a_text_without_header_gets_one_and_stays_text() -> None:
    assert apply_changes(b"Hello there\r\n", [FieldAdded(b"X", b"1")]) == b"X: 1\r\n\r\nHello there\r\n"
    assert apply_changes(b"\r\nHello\r\n", [FieldAdded(b"X", b"1")]) == b"X: 1\r\n\r\nHello\r\n"
    assert apply_changes(b"A: 1", [FieldAdded(b"X", b"1")]) == b"A: 1\r\nX: 1\r\n"


NAMES = st.sampled_from([b"A", b"b", b"X-New"])
VALUES = st.binary(max_size=20)


@given(
    st.one_of(st.binary(max_size=100), st.just(LETTER)),
    st.lists(
        st.one_of(
            st.builds(lambda name, value: Packet(b"h", name + b"\0" + value + b"\0"), NAMES, VALUES),
            st.builds(lambda n, name, value: Packet(b"i", n + name + b"\0" + value + b"\0"),
                      st.sampled_from([b"\0\0\0\0", b"\0\0\0\1", b"\xff\xff\xff\xff"]), NAMES, VALUES),
            st.builds(lambda n, name, value: Packet(b"m", n + name + b"\0" + value + b"\0"),
                      st.sampled_from([b"\0\0\0\0", b"\0\0\0\1", b"\0\0\0\2"]), NAMES, VALUES),
        ),
        max_size=4,
    ),
)  # fmt: skip
def test_whatever_is_changed_the_text_stays_and_no_field_is_smuggled_in(
    octets: bytes, packets: list[Packet]
) -> None:
    changes = list[HeaderChange]()
    for packet in packets:
        try:
            change = parse_answer(packet)
        except MilterSyntaxError:
            continue
        assert isinstance(change, FieldAdded | FieldChanged)
        changes.append(change)
    changed = apply_changes(octets, changes)
    before, after = (scan_fields(each[: header_end(each)]) for each in (octets, changed))
    assert {field.name for field in after} <= {field.name for field in before} | {b"a", b"b", b"x-new"}
    if octets == LETTER:
        assert changed.endswith(b"\r\n\r\nText.\r\n") or changed.startswith(b"\r\nText.")
