"""A client's octets, cut into pieces, driven through the framer as a connection does it."""

from collections.abc import Iterator, Sequence

from mailhost.protocols.imap.framing import (
    CommandText,
    CommandTooBig,
    Framer,
    FramingLimits,
    LiteralFollows,
)


def frames(
    pieces: Sequence[bytes], limits: FramingLimits | None = None
) -> Iterator[CommandText | CommandTooBig]:
    """What the framer makes of these pieces; a client that waits for `+` is assumed to have got it."""
    framer = Framer(limits or FramingLimits())
    buffer = b""
    literal: LiteralFollows | None = None
    for piece in pieces:
        buffer += piece
        while True:
            if literal is not None:
                if len(buffer) < literal.size:
                    break
                if literal.is_kept:
                    framer.feed_literal(buffer[: literal.size])
                buffer, literal = buffer[literal.size :], None
            line, newline, rest = buffer.partition(b"\n")
            if not newline:
                break
            buffer = rest
            event = framer.feed_line(line.removesuffix(b"\r"))
            if isinstance(event, LiteralFollows):
                literal = event
            else:
                yield event


def frame(octets: bytes) -> CommandText:
    """One command, whole."""
    (event,) = frames([octets + b"\r\n"])
    assert isinstance(event, CommandText)
    return event
