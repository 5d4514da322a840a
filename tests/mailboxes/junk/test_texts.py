"""How much of a message's text is read."""

import base64
import quopri
from collections.abc import Callable
from itertools import pairwise

import pytest

from mailboxes.junk.texts import FIRST_IN_PAIRS, LAST_IN_PAIRS
from mailboxes.junk.tokens import tokens_of


def test_of_much_text_the_beginning_and_the_end_are_read() -> None:
    found = tokens_of(
        b"\r\nfirst words " + b"filler " * 50_000 + b"middle " + b"filler " * 50_000 + b"the last\r\n"
    )
    assert {"first", "first words", "last", "the last"} <= set(found)
    assert "middle" not in found


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [(b"7bit", bytes), (b"quoted-printable", quopri.encodestring), (b"base64", base64.encodebytes)],
)
def test_the_end_of_a_large_part_is_decoded_as_its_beginning(
    encoding: bytes, encode: Callable[[bytes], bytes]
) -> None:
    text = b"first words\r\n" + b"<p title='some'>filler</p>\r\n" * 20_000 + b"the <b>last</b>\r\n"
    head = b"Content-Type: text/html\r\nContent-Transfer-Encoding: %b\r\n\r\n" % encoding
    message = head + encode(text)
    assert {"first words", "some filler", "filler", "the last"} <= set(tokens_of(message))


def test_neighbours_are_paired_at_the_beginning_and_at_the_end() -> None:
    words = [f"word{number}" for number in range(500)]
    pairs = {token for token in tokens_of(b"\r\n" + " ".join(words).encode()) if " " in token}
    ends = [*pairwise(words[:FIRST_IN_PAIRS]), *pairwise(words[-LAST_IN_PAIRS:])]
    assert pairs == {f"{one} {two}" for one, two in ends}
    few = words[: FIRST_IN_PAIRS + LAST_IN_PAIRS]
    assert {f"{one} {two}" for one, two in pairwise(few)} <= set(tokens_of(b"\r\n" + " ".join(few).encode()))


def test_junk_behind_an_innocent_part_is_read() -> None:
    part = b"--b\r\nContent-Type: text/plain\r\n\r\n%b\r\n"
    message = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"".join(
        part % text for text in (b"minutes of the meeting " * 3_000, b"more minutes", b"cheap pills")
    )
    found = set(tokens_of(message + b"--b--\r\n"))
    assert {"meeting minutes", "more minutes", "cheap pills"} <= found
    assert "minutes cheap" not in found
