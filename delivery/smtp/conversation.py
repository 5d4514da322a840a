"""The loop of one session: read a command, check its place, run it, reply (RFC 5321 section 4.1.4)."""

import asyncio
from typing import Final

import structlog
from django.conf import settings

from delivery.smtp.commands import COMMANDS, LMTP_COMMANDS, Command
from delivery.smtp.commands.auth import MAX_LINE_OCTETS
from delivery.smtp.greeting import greet
from delivery.smtp.guarding import turned_away
from delivery.smtp.replies import (
    CLOSING_IDLE,
    CLOSING_SHUTDOWN,
    CLOSING_TOO_MANY_ERRORS,
    FACTS,
    LINE_TOO_LONG,
    reply_to,
)
from delivery.smtp.session import Door, Session, SessionEnded, State
from delivery.smtp.tracing import note_refusal
from mailhost.net.stream.interruptions import IdleTimeout, LineTooLong, ShuttingDown
from mailhost.protocols.smtp.commands import parse_line
from mailhost.protocols.smtp.replies import Reply

log = structlog.get_logger(__name__)

# Codes that say that the command itself was wrong, not what it asked for.
BAD_COMMAND_CODES: Final = frozenset({500, 501, 502, 503, 504, 555})
CLOSING_CODES: Final = frozenset({221, 421})
UNKNOWN_COMMAND: Final = Reply(500, "5.5.1", "There is no such command")
# A browser that was talked into posting to this port: what follows is not SMTP, but could be made to look like it.
HTTP_METHODS: Final = frozenset({"GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT"})
MAX_LOGGED_REFUSALS: Final = 20  # of one session: the log is for people
LHLO_FIRST: Final = Reply(503, "5.5.1", "Send LHLO first")
OUT_OF_PLACE: Final = {
    State.CONNECTED: Reply(503, "5.5.1", "Send EHLO first"),
    State.GREETED: Reply(503, "5.5.1", "Send MAIL first"),
    State.MAIL: Reply(503, "5.5.1", "Send RCPT first, or RSET to begin again"),
    State.RECIPIENTS: Reply(503, "5.5.1", "Send DATA, or RSET to begin again"),
    State.CHUNKS: Reply(503, "5.5.1", "Send the next chunk by BDAT, or RSET to begin again"),
}


async def converse(session: Session) -> None:
    """The session from greeting to end. Raises ConnectionLost where the client simply went."""
    connection = session.connection
    if (refusal := await turned_away(session)) is not None:
        connection.write(refusal.encode())
        return
    try:
        if not await greet(session):
            return
        reply = Reply(0, "", "")
        while reply.code not in CLOSING_CODES:
            reply = _watch(session, await _next_reply(session))
            if reply.code:
                connection.write(reply.encode())
                await connection.drain()
            if reply.is_refusal:
                await asyncio.sleep(
                    0
                )  # thousands of pipelined commands that cost no look-up: others have their turn
    except ShuttingDown:
        connection.write(CLOSING_SHUTDOWN.encode())
    except IdleTimeout:
        connection.write(CLOSING_IDLE.encode())
    except SessionEnded:
        pass
    finally:
        session.reset()  # what chunks have brought is held no more


async def _next_reply(session: Session) -> Reply:
    try:
        line = await session.connection.read_line(
            limit=MAX_LINE_OCTETS, timeout=settings.SMTP_TIMEOUT_SECONDS
        )
    except LineTooLong:
        return LINE_TOO_LONG
    try:
        verb, argument = parse_line(line)
        command = (LMTP_COMMANDS if session.door is Door.LMTP else COMMANDS).get(verb)
        if command is None:
            return CLOSING_TOO_MANY_ERRORS if verb in HTTP_METHODS else UNKNOWN_COMMAND
        if len(line) + 2 > command.max_octets:
            return LINE_TOO_LONG
        return await _run(session, command, argument)
    except FACTS as fact:
        return reply_to(fact)


async def _run(session: Session, command: Command, argument: str) -> Reply:
    if session.state not in command.allowed_in:
        needs_lhlo = session.door is Door.LMTP and session.state is State.CONNECTED
        return LHLO_FIRST if needs_lhlo else OUT_OF_PLACE[session.state]
    if command.is_idle:
        session.idle_commands += 1
        if session.idle_commands > settings.SMTP_MAX_IDLE_COMMANDS:
            return CLOSING_TOO_MANY_ERRORS
    return await command.run(session, argument)


def _watch(session: Session, reply: Reply) -> Reply:
    """Counts what is wrong, and ends a session where it is too much."""
    if reply.code in BAD_COMMAND_CODES:
        session.bad_commands += 1
        if session.bad_commands > settings.SMTP_MAX_BAD_COMMANDS:
            reply = CLOSING_TOO_MANY_ERRORS
    if reply.is_refusal:
        session.refusals += 1
    if reply.is_refusal and session.refusals <= MAX_LOGGED_REFUSALS:
        log.info("refused", session=session.id, peer=session.connection.peer, reply=str(reply))
        note_refusal(session, reply)
    session.named, session.is_noted = "", False
    return reply
