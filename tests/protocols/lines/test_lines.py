"""Line ends and dots: what goes out has one end, and comes back as it was."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.lines import (
    CrlfFolder,
    DotStuffer,
    TopCutter,
    dot_stuffed,
    has_bare_ends,
    is_wire_form,
    to_crlf,
)

# Octets in which line ends and dots are as frequent as anything else.
TEXTS = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a", b"\0", b"\xff"]), max_size=40).map(
    b"".join
)


def cut(octets: bytes, places: list[int]) -> list[bytes]:
    """The octets in pieces, cut at these places."""
    ends = sorted({place % (len(octets) + 1) for place in places} | {0, len(octets)})
    return [octets[start:end] for start, end in itertools.pairwise(ends)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"a\r\nb\r\n", b"a\r\nb\r\n"),
        (b"a\nb", b"a\r\nb"),
        (b"a\rb", b"a\r\nb"),
        (b"a\r\r\nb", b"a\r\n\r\nb"),
        (b"a\n\rb", b"a\r\n\r\nb"),
        (b"", b""),
    ],
)
def test_bare_ends_become_crlf(before: bytes, after: bytes) -> None:
    assert to_crlf(before) == after


@given(TEXTS)
def test_folding_leaves_no_bare_end_and_nothing_else_changed(text: bytes) -> None:
    folded = to_crlf(text)
    assert not has_bare_ends(folded)
    assert re.split(rb"\r\n|\r|\n", text) == folded.split(b"\r\n")
    assert to_crlf(folded) is folded


@given(TEXTS, st.lists(st.integers(0, 100), max_size=10))
def test_folding_in_pieces_is_folding_at_once(text: bytes, places: list[int]) -> None:
    folder = CrlfFolder()
    assert b"".join(map(folder.feed, cut(text, places))) + folder.finish() == to_crlf(text)


@given(TEXTS, st.lists(st.integers(0, 100), max_size=10))
def test_stuffing_in_pieces_is_stuffing_at_once(text: bytes, places: list[int]) -> None:
    stuffer = DotStuffer()
    assert b"".join(map(stuffer.feed, cut(text, places))) + stuffer.finish() == dot_stuffed(text)


@given(TEXTS)
def test_a_stuffed_text_has_one_end_and_comes_back(text: bytes) -> None:
    stuffed = dot_stuffed(text)
    # No reader, strict or lenient about line ends, finds an end before the end.
    assert re.search(rb"(?:^|\r\n|\r|\n)\.(?:\r\n|\r|\n)", stuffed).end() == len(stuffed)  # type: ignore[union-attr]
    folded = to_crlf(text)
    # RFC 5321 section 4.5.2: what a receiver makes of it.
    read = stuffed.removesuffix(b".\r\n").replace(b"\r\n.", b"\r\n").removeprefix(b".")
    assert read == (folded if folded.endswith(b"\r\n") or not folded else folded + b"\r\n")


@given(TEXTS, st.integers(0, 5), st.lists(st.integers(0, 100), max_size=10))
def test_top_is_the_header_and_so_many_lines_wherever_it_is_cut(
    text: bytes, lines: int, places: list[int]
) -> None:
    folder, cutter = CrlfFolder(), TopCutter(lines)
    came = b"".join(cutter.feed(folder.feed(piece)) for piece in cut(text, places))
    came += cutter.feed(folder.finish())
    header, empty_line, body = (b"\r\n" + to_crlf(text)).partition(b"\r\n\r\n")
    body_lines = re.findall(rb"[^\r\n]*\r\n|[^\r\n]+", body)
    assert b"\r\n" + came == header + empty_line + b"".join(body_lines[:lines])


@given(TEXTS)
def test_wire_form_is_what_stuffing_leaves_alone(text: bytes) -> None:
    assert is_wire_form(text) == (dot_stuffed(text) == text + b".\r\n")
