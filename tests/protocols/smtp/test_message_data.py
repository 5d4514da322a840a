"""The end of DATA and its transparent dots (RFC 5321 sections 4.1.1.4 and 4.5.2)."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.smtp.message_data import MessageData, has_line_longer_than


def read(*blocks: bytes, max_octets: int = 1_000) -> tuple[bytes, bytes | None]:
    """(message, what came behind it)."""
    data = MessageData(max_octets=max_octets)
    for index, block in enumerate(blocks):
        rest = data.feed(block)
        if rest is not None:
            return data.take(), rest + b"".join(blocks[index + 1 :])
    return b"", None


@pytest.mark.parametrize(
    ("octets", "message", "rest"),
    [
        (b".\r\n", b"", b""),
        (b"a\r\n.\r\nQUIT\r\n", b"a\r\n", b"QUIT\r\n"),
        (b"..\r\n.\r\n", b".\r\n", b""),
        (b"...a\r\n..b\r\n.\r\n", b"..a\r\n.b\r\n", b""),
        (b".a\r\n.\r\n", b"a\r\n", b""),
        (b"\r\n\r\n.\r\n.\r\n", b"\r\n\r\n", b".\r\n"),
    ],
)
def test_crlf_dot_crlf_ends_the_data(octets: bytes, message: bytes, rest: bytes) -> None:
    assert read(octets) == (message, rest)


@pytest.mark.parametrize(
    "smuggled",
    [
        b"\n.\n",
        b"\n.\r\n",
        b"\r\n.\n",
        b"\r.\r",
        b"\r.\r\n",
        b"\r\n.\r",
        b"\n.\r",
        b"\r.\n",
        b"\r\n\0.\r\n",
        b"\r\n.\0\r\n",
        b"\r\r\n.\r\r\n",
        b"\r\n.\r\r\n",
        b"\n\r.\r\n",
        b"\n\n.\r\n",
        b"\r\n.\n\r\n",
    ],
)
def test_nothing_else_ends_the_data(smuggled: bytes) -> None:
    wire = b"a" + smuggled + b"MAIL FROM:<evil@example.test>\r\n"
    message, rest = read(wire + b".\r\n")
    assert rest == b""
    assert message == wire.replace(b"\r\n.", b"\r\n")


def test_a_message_beyond_the_limit_is_read_to_its_end_and_not_kept() -> None:
    data = MessageData(max_octets=100)
    for _ in range(1_000):
        assert data.feed(b"x" * 98 + b"\r\n") is None
        assert data.held_octets <= 202
    assert data.feed(b".\r\nQUIT\r\n") == b"QUIT\r\n"
    assert data.is_too_big
    assert data.received_octets == 100_000
    assert data.take() == b""


def test_the_limit_is_the_last_size_that_is_taken() -> None:
    assert read(b"x" * 98 + b"\r\n.\r\nNOOP", max_octets=100) == (b"x" * 98 + b"\r\n", b"NOOP")


_PIECES = st.lists(
    st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"a", b"\0", b"\r\n.\r\n"]), max_size=30
)


@given(_PIECES, st.lists(st.integers(0, 100)))
def test_the_cut_of_the_octets_does_not_matter(pieces: list[bytes], cuts: list[int]) -> None:
    octets = b"".join(pieces)
    edges = sorted({0, len(octets), *(cut % (len(octets) + 1) for cut in cuts)})
    blocks = [octets[start:end] for start, end in itertools.pairwise(edges)]
    assert read(*blocks) == read(octets) == read(*(octets[i : i + 1] for i in range(len(octets))))


@given(_PIECES)
def test_what_is_dot_stuffed_comes_back(pieces: list[bytes]) -> None:
    message = b"".join(pieces)
    if not message.endswith(b"\r\n"):
        message += b"\r\n"
    stuffed = (b"\r\n" + message).replace(b"\r\n.", b"\r\n..")[2:]
    assert read(stuffed + b".\r\nrest") == (message, b"rest")


def test_long_lines_are_found() -> None:
    assert not has_line_longer_than(b"x" * 10 + b"\r\n" + b"y" * 10, 10)
    assert has_line_longer_than(b"x\r\n" + b"y" * 12 + b"\r\n", 10)
    assert has_line_longer_than(b"y" * 11, 10)
    assert not has_line_longer_than(b"", 10)


@given(st.lists(st.integers(0, 8), max_size=12))
def test_long_lines_are_found_wherever_they_are(lengths: list[int]) -> None:
    octets = b"".join(b"x" * length + b"\r\n" for length in lengths)
    assert has_line_longer_than(octets, 5) == any(length > 5 for length in lengths)
