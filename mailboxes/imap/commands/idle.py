"""IDLE (RFC 2177): changes are told as they happen, until DONE."""

import asyncio

from mailboxes.imap.session import Session
from mailhost.net.connection import IdleTimeout, LineTooLong
from mailhost.protocols.imap.commands import Idle
from mailhost.protocols.imap.responses import Reply, bad, continuation, ok, status_line

# A change was announced and the store was away when we looked: nobody may announce it again.
LOOK_AGAIN_SECONDS = 3.0


async def idle(session: Session, command: Idle) -> Reply:
    if session.selected is not None:
        session.selected.ahead.drop()
    await session.send(continuation("idling"))
    await session.tell_changes(may_tell_expunges=True, is_asked=True)
    loop = asyncio.get_running_loop()
    limits = session.host.limits
    ends_at = loop.time() + limits.autologout_seconds
    notice_at = loop.time() + limits.idle_notice_seconds
    while True:
        is_behind = session.selected is not None and session.selected.is_stale
        look_at = loop.time() + LOOK_AGAIN_SECONDS if is_behind else ends_at
        try:
            is_readable = await session.connection.wait_readable(
                timeout=max(min(ends_at, notice_at, look_at) - loop.time(), 0.0)
            )
        except IdleTimeout:
            if loop.time() >= ends_at:
                raise  # RFC 2177: clients start again every 29 minutes
            if loop.time() >= notice_at:
                # Keeps address translators from forgetting the connection, and finds clients that are gone.
                await session.send(status_line("*", "OK", "Still here"))
                notice_at = loop.time() + limits.idle_notice_seconds
            is_readable = False
        if is_readable:
            break
        await session.tell_changes(may_tell_expunges=True)
    try:
        line = await session.read_line()
    except LineTooLong:
        line = b""
    return ok("") if line.upper() == b"DONE" else bad("Expected DONE")
