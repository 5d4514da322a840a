"""BDAT (RFC 3030 section 2): the message in chunks whose sizes are told before.

Wherever the command stands and whatever becomes of it, its octets follow: they are read and dropped before it is
refused, so that nothing in a message is ever taken for a command. A refusal ends the transaction.
"""

import asyncio

from delivery.smtp.incoming import Chunks, Share
from delivery.smtp.message_reading import PATIENCE_FACTOR
from delivery.smtp.replies import FACTS, MESSAGE_TOO_BIG, reply_to
from delivery.smtp.session import Session, SessionEnded, State, max_message_octets
from delivery.smtp.taking import take, tell_each
from mailhost.protocols.smtp.commands import Bdat, parse_bdat
from mailhost.protocols.smtp.replies import CommandRefused, Reply

OUT_OF_PLACE = Reply(
    503, "5.5.1", "The chunk was dropped: send MAIL and RCPT first, and end what began with BDAT"
)


async def bdat(session: Session, argument: str) -> Reply:
    """Takes a chunk; the last one hands the message to delivery."""
    chunk = await _parse(session, argument)
    if session.chunks is None:
        if session.state is not State.RECIPIENTS:
            await _drop(session, chunk)
            return OUT_OF_PLACE
        session.chunks = _chunks(session)
    chunks = session.chunks
    await _read(session, chunk, chunks)
    if chunks.refusal is None and not chunk.is_last:
        if not chunk.octets:
            session.idle_commands += 1
        return Reply(250, "2.0.0", f"{chunk.octets} octets received")
    try:
        if chunks.refusal is None:
            return await take(session, chunks.take())
        # RFC 2033 section 4.3: only the last chunk has a reply for each recipient.
        return tell_each(session, [chunks.refusal]) if chunk.is_last else chunks.refusal
    except FACTS as fact:
        return tell_each(session, [reply_to(fact)])
    finally:
        session.reset()


async def _parse(session: Session, argument: str) -> Bdat:
    """Where a chunk ends that has no size, or one that nobody would wait for, cannot be found: the session ends."""
    try:
        chunk = parse_bdat(argument)
    except CommandRefused as refusal:
        session.connection.write(refusal.reply.encode())
        raise SessionEnded from refusal
    if chunk.octets > PATIENCE_FACTOR * max_message_octets():
        session.connection.write(MESSAGE_TOO_BIG.encode())
        raise SessionEnded
    return chunk


def _chunks(session: Session) -> Chunks:
    share = Share(session.host, now=session.connection.loop.time)
    return Chunks(share, max_octets=max_message_octets())


async def _drop(session: Session, chunk: Bdat) -> None:
    nothing_kept = _chunks(session)
    nothing_kept.refusal = OUT_OF_PLACE
    await _read(session, chunk, nothing_kept)


async def _read(session: Session, chunk: Bdat, chunks: Chunks) -> None:
    chunks.expect(chunk.octets)
    left = chunk.octets
    while left:
        block = await session.connection.read_block(timeout=chunks.seconds_for_a_block(), limit=left)
        chunks.add(block)
        left -= len(block)
    await asyncio.sleep(0)  # thousands of tiny chunks come in one block: others have their turn
