"""Picking fields by name gives what reading every field gives, whatever the header."""

from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.imap.header_picking import pick_fields
from mailhost.protocols.message import header_fields

PIECES = st.sampled_from(
    [
        *(b"From", b"to", b"X-To", b"To:", b":", b" ", b"\t", b"\n", b"\r", b"x", b"\r\n ", b"\xff", b"\0"),
        *(b"\r\n", b"\r\n", b"\r\n"),
        *(b"From: a\r\n", b"To : b\r\n\tmore\r\n", b"Subject: s\r\n", b"TO:\r\n", b"Top: x\r\n"),
    ]
)
HEADERS = st.lists(PIECES, max_size=14).map(b"".join)
NAMES = st.lists(
    st.sampled_from([b"from", b"TO", b"Subject", b"x-to", b"to:", b"", b"a b", b"\xff"]), max_size=4
)


@given(HEADERS, NAMES)
def test_both_ways_agree(header: bytes, names: list[bytes]) -> None:
    assert pick_fields(header, tuple(names)) == header_fields(header, names)


@given(st.binary(max_size=60))
def test_any_octets(header: bytes) -> None:
    assert pick_fields(header, (b"a",)) == header_fields(header, [b"a"])


def test_fields_stand_as_stored_and_in_their_order() -> None:
    header = b"Received: x\r\n\tfrom: y\r\nSubject: a\r\n b\r\nFROM: c\r\nsubject : d\r\n\r\n"
    assert pick_fields(header, (b"Subject", b"From")) == b"Subject: a\r\n b\r\nFROM: c\r\nsubject : d\r\n\r\n"
    assert pick_fields(header, (b"To",)) == b"\r\n"
