"""The octets of a message on their way: after DATA's reply, or by BDAT in chunks.

CHUNKING (RFC 3030 section 2; section 4.2 with PIPELINING): some chunks are on their way before the first is answered.
"""

from collections.abc import Iterator
from typing import Final

from delivery.relay.connection import RelayConnection
from delivery.relay.wire import WireLost
from mailhost.protocols.smtp.client import ServerReply

CHUNK_OCTETS: Final = 256 * 1024
CHUNKS_ON_THE_WAY: Final = 4  # unanswered ones: a line with a round trip of 100 ms carries 10 MB a second so


class LostAtTheEnd(WireLost):
    """The connection went when the whole message was sent, and before it was answered."""


async def send_lines(connection: RelayConnection, octets: bytes) -> ServerReply:
    """The answer to the final dot, in which the octets end. Raises WireLost."""
    with connection.within(connection.timeouts.content_seconds(len(octets))):
        await connection.write(octets)
    return await _last_answer(connection)


async def send_chunks(connection: RelayConnection, octets: bytes) -> ServerReply:
    """The answer to the last chunk, or the first refusal: nothing more is sent after it. Raises WireLost."""
    answers: list[ServerReply] = []
    try:
        with connection.within(connection.timeouts.content_seconds(len(octets))):
            sent, is_whole = await _send_while_taken(connection, octets, answers)
            while len(answers) < sent - is_whole:
                answers.append(await connection.reply(seconds=connection.timeouts.block))
        if is_whole:
            answers.append(await _last_answer(connection))
    except WireLost:
        if _refusal(answers) is None:
            raise
    return _refusal(answers) or answers[-1]


async def _send_while_taken(
    connection: RelayConnection, octets: bytes, answers: list[ServerReply]
) -> tuple[int, bool]:
    """How many chunks were sent, and whether these are all. `answers` takes those that were waited for."""
    window = CHUNKS_ON_THE_WAY if "PIPELINING" in connection.extensions else 1
    sent = 0
    for command, chunk in _chunks(octets):
        if sent - len(answers) == window:
            answers.append(await connection.reply(seconds=connection.timeouts.block))
            if not answers[-1].is_positive:
                return sent, False
        await connection.write(command)
        await connection.write(chunk)
        sent += 1
    return sent, True


async def _last_answer(connection: RelayConnection) -> ServerReply:
    try:
        return await connection.reply(seconds=connection.timeouts.final_dot)
    except WireLost as lost:
        raise LostAtTheEnd(str(lost)) from lost


def _refusal(answers: list[ServerReply]) -> ServerReply | None:
    return next((each for each in answers if not each.is_positive), None)


def _chunks(octets: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Each with its command; one at least."""
    view = memoryview(octets)
    starts = range(0, len(view) or 1, CHUNK_OCTETS)
    for start in starts:
        chunk = view[start : start + CHUNK_OCTETS]
        yield b"BDAT %d%b\r\n" % (len(chunk), b" LAST" if start == starts[-1] else b""), chunk
