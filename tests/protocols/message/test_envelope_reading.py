"""First addresses, read back from the ENVELOPE that was worked out of a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.message import work_out
from mailhost.protocols.message.envelope_reading import FROM, TO, EnvelopeAddress, first_address


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"Bob <bob@example.test>, Carol <c@x>", EnvelopeAddress(b"Bob", b"bob", b"example.test")),
        (b"bob@example.test", EnvelopeAddress(b"", b"bob", b"example.test")),
        (b'"A \\"quoted\\" (name)" <a@x>', EnvelopeAddress(b'A "quoted" (name)', b"a", b"x")),
        (b"friends: al@x, b@x;", EnvelopeAddress(b"", b"friends", b"")),
        (b"=?utf-8?q?J=C3=BCrgen?= <j@x>", EnvelopeAddress(b"=?utf-8?q?J=C3=BCrgen?=", b"j", b"x")),
        ("Jürgen <j@x>".encode(), EnvelopeAddress("Jürgen".encode(), b"j", b"x")),
        (b"", None),
    ],
)
def test_first_addresses(field: bytes, expected: EnvelopeAddress | None) -> None:
    octets = b"Subject: (a\r\nSender: s@x\r\nCc: c@x\r\n"
    for name, place in ((b"From", FROM), (b"To", TO)):
        envelope = work_out(octets + name + b": " + field + b"\r\n\r\n").envelope
        assert first_address(envelope, place) == expected


def test_a_field_that_is_not_there() -> None:
    assert first_address(work_out(b"Cc: c@x\r\n\r\n").envelope, TO) is None
    assert first_address(work_out(b"\r\n").envelope, FROM) is None


@given(st.binary(), st.integers(0, 9))
def test_any_octets_are_read_without_a_word(octets: bytes, place: int) -> None:
    first_address(octets, place)
    first_address(work_out(b"From: " + octets).envelope, FROM)
