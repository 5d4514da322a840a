"""From a connection to a command's text: lines, literals, and what is too big for either (RFC 3501 section 4.3)."""

import asyncio

from mailboxes.imap.incoming import obstacle
from mailboxes.imap.limits import BEFORE_LOGIN, LINE_SLACK
from mailboxes.imap.session import Session
from mailhost.net.stream.interruptions import ConnectionLost, LineTooLong
from mailhost.protocols.imap.framing import NO_ROOM, NOT_TAKEN, CommandText, CommandTooBig, LiteralFollows
from mailhost.protocols.imap.responses import continuation

MAX_SKIPPED_BEFORE_LOGIN = 65_536
COMMANDS_IN_A_ROW = 16  # that are here already; then other sessions have their turn (a NOOP takes 0.1 ms)


async def read_command(session: Session) -> CommandText | CommandTooBig:
    """The next one, not parsed yet. Raises ConnectionLost (ShuttingDown), IdleTimeout."""
    session.let_go()
    await _take_turns(session)
    framing = BEFORE_LOGIN if session.principal is None else session.host.limits.framing
    while True:
        try:
            line = await session.connection.read_line(
                limit=framing.line * LINE_SLACK, timeout=session.silence_seconds
            )
        except LineTooLong:
            return session.framer.refuse_line(b"")
        event = session.framer.feed_line(line)
        if isinstance(event, LiteralFollows) and event.is_kept and event.is_message:
            event = await _expect_message(session, event)
        if not isinstance(event, LiteralFollows):
            return event
        if event.is_synchronising:
            await session.send(continuation("Ready for the literal"))
        await _read_literal(session, event)


async def _take_turns(session: Session) -> None:
    """A client that sends thousands of commands at once, compressed even millions, must not keep the loop."""
    session.in_a_row = session.in_a_row + 1 if session.connection.has_line else 0
    if session.in_a_row >= COMMANDS_IN_A_ROW:
        session.in_a_row = 0
        await asyncio.sleep(0)


async def _expect_message(session: Session, literal: LiteralFollows) -> LiteralFollows | CommandTooBig:
    """With room for it in memory; or it is not read at all, or read past."""
    account_id, has_utf8_names = session.account_id, session.has_utf8_names
    session.obstacle = await obstacle(
        session.framer, literal, account_id=account_id, has_utf8_names=has_utf8_names
    )
    if session.obstacle is not None:
        return session.framer.refuse_literal(literal, NOT_TAKEN)
    return literal if await session.hold(literal.size) else session.framer.refuse_literal(literal, NO_ROOM)


async def _read_literal(session: Session, literal: LiteralFollows) -> None:
    seconds = session.host.limits.literal_seconds
    if literal.is_kept:
        session.framer.feed_literal(await session.connection.read_exactly(literal.size, timeout=seconds))
        return
    # RFC 7888 section 4: too big and already on its way. Read past it, or give up where that takes too long.
    bound = MAX_SKIPPED_BEFORE_LOGIN if session.principal is None else 2 * session.host.limits.framing.message
    if literal.size > bound:
        session.bye("The literal is too big", "TOOBIG")
        raise ConnectionLost("a literal that is far too big")
    async for _ in session.connection.read_chunks(literal.size, timeout=seconds):
        pass
