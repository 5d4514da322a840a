"""clamd's INSTREAM: chunks out, one answer in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.clamd import (
    END,
    MAX_SIGNATURE,
    ClamdReply,
    ClamdReplyInvalid,
    Clean,
    Failed,
    Infected,
    TooLarge,
    chunks,
    parse_reply,
)


@pytest.mark.parametrize(
    ("octets", "reply"),
    [
        (b"stream: OK", Clean()),
        (b"stream: Eicar-Signature FOUND", Infected("Eicar-Signature")),
        (b"stream: Win.Test.EICAR_HDB-1(44d88612fea8a8f36de82e1278abb02f:68) FOUND",
         Infected("Win.Test.EICAR_HDB-1(44d88612fea8a8f36de82e1278abb02f:68)")),
        (b"stream: Mine.UNOFFICIAL FOUND", Infected("Mine.UNOFFICIAL")),
        (b"INSTREAM size limit exceeded. ERROR", TooLarge()),
        (b"stream: Can't allocate memory ERROR", Failed("Can't allocate memory")),
        (b"INSTREAM: Can't write to temporary file. ERROR", Failed("INSTREAM: Can't write to temporary file.")),
    ],
)  # fmt: skip
def test_answers_of_clamd_are_understood(octets: bytes, reply: ClamdReply) -> None:
    assert parse_reply(octets) == reply


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"PONG",
        b"UNKNOWN COMMAND",
        b"stream: NOT OK",
        b"stream: OK\nstream: OK",
        b"COMMAND READ TIMED OUT",
    ],
)
def test_what_is_no_answer_to_a_stream_is_not_taken_for_one(octets: bytes) -> None:
    with pytest.raises(ClamdReplyInvalid):
        parse_reply(octets)


def test_a_signature_cannot_write_into_a_reply_of_ours() -> None:
    """It is told to the sender, by SMTP."""
    reply = parse_reply(b"stream: A\r\n250 fine \xff FOUND")
    assert reply == Infected("A_250_fine_")


@given(st.binary(max_size=400))
def test_any_answer_is_understood_or_refused(octets: bytes) -> None:
    try:
        reply = parse_reply(octets)
    except ClamdReplyInvalid:
        return
    for text in (getattr(reply, "signature", ""), getattr(reply, "text", "")):
        assert len(text) <= MAX_SIGNATURE
        assert text.isascii()
        assert text.isprintable()
    if isinstance(reply, Clean):
        assert octets.strip() in (b"OK", b"stream: OK")


@given(st.one_of(st.binary(max_size=300), st.integers(0, 400_000).map(lambda size: b"x" * size)))
def test_the_chunks_are_the_message(octets: bytes) -> None:
    sent = b"".join(chunks(octets))
    assert sent.endswith(END)
    told, position = b"", 0
    while length := int.from_bytes(sent[position : position + 4], "big"):
        told += sent[position + 4 : position + 4 + length]
        position += 4 + length
    assert told == octets
    assert position + 4 == len(sent)
