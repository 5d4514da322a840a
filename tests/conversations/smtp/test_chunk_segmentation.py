"""BDAT in any chunks, and the octets in any blocks: the message is the same, and so are the replies."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.smtp.incoming import MIN_OCTETS_PER_SECOND, Share
from delivery.smtp.session import ADDED_OCTETS
from mailhost.net.stream.interruptions import IdleTimeout
from tests.conversations.smtp.test_segmentation import replies_to
from tests.support.examples import examples

BEGUN = b"EHLO a.test\r\nMAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<c@d.test>\r\n"


@pytest.fixture(autouse=True)
def no_store() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("delivery.smtp.commands.mail.has_room", lambda: True)
        yield


def chunked(message: bytes, sizes: list[int]) -> bytes:
    pieces, position = [], 0
    for size in sizes:
        piece = message[position : position + size]
        pieces.append(b"BDAT %d\r\n%b" % (len(piece), piece))
        position += size
    return b"".join(pieces) + b"BDAT %d LAST\r\n%b" % (len(message[position:]), message[position:])


def cut(octets: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(octets) + 1) for place in places), len(octets)]
    return [octets[start:end] for start, end in itertools.pairwise(edges)]


def codes(replies: bytes) -> list[bytes]:
    return [line[:3] for line in replies.splitlines() if line[3:4] == b" "]


@examples(60)
@given(
    st.lists(
        st.sampled_from([b"\r\n", b".", b"\n", b"\r", b"\0", b"QUIT\r\n", b"BDAT 1\r\n", b"\r\n.\r\n", b"x"])
    ),
    st.lists(st.integers(0, 40), max_size=6),
    st.lists(st.integers(0, 1_000), max_size=8),
)
def test_any_chunks_in_any_blocks(pieces: list[bytes], sizes: list[int], places: list[int]) -> None:
    message = b"Subject: x\r\n\r\n" + b"".join(pieces)
    wire = BEGUN + chunked(message, sizes) + b"NOOP\r\nQUIT\r\n"
    replies, messages = replies_to(cut(wire, places))
    assert codes(replies) == [b"220"] + [b"250"] * (3 + len(sizes) + 1 + 1) + [b"221"]
    [taken] = messages
    assert taken.endswith(b"\r\n" + message)


@examples(60)
@given(st.lists(st.integers(0, 3_000), min_size=1, max_size=6), st.lists(st.integers(0, 9_000), max_size=6))
def test_after_a_refusal_every_chunk_is_read_and_dropped(sizes: list[int], places: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.MAX_MESSAGE_OCTETS", ADDED_OCTETS + 2_000)
        message = b"NOOP\r\n" * (sum(sizes) // 6 + 1)
        replies, messages = replies_to(cut(BEGUN + chunked(message, sizes) + b"QUIT\r\n", places))
    said = codes(replies)
    assert len(said) == 4 + len(sizes) + 1 + 1
    assert said[-1] == b"221"
    if len(message) > 2_000:
        first = said.index(b"552")
        assert said[4:first] == [b"250"] * (first - 4)
        assert said[first + 1 : -1] == [b"503"] * (len(said) - first - 2)
        assert messages == []


class Everybody:
    held_octets = 0


def test_a_message_must_come_at_some_pace(settings: Any) -> None:
    """RFC 5321 section 4.5.3.2.5 gives each block its time; an octet in each would take for ever."""
    settings.SMTP_TIMEOUT_SECONDS = 300
    now = 1_000.0
    share = Share(Everybody(), now=lambda: now)
    assert share.seconds_for_a_block(received_octets=0) == 300
    now += 299
    assert share.seconds_for_a_block(received_octets=MIN_OCTETS_PER_SECOND) == 2
    assert share.seconds_for_a_block(received_octets=1_000_000) == 300
    now += 299
    with pytest.raises(IdleTimeout):
        share.seconds_for_a_block(received_octets=2)
