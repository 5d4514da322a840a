"""Waiting for the client while news are told: in IDLE (RFC 2177), and between commands after NOTIFY (RFC 5465)."""

import asyncio

from mailboxes.imap.session import Session
from mailboxes.imap.telling import tell_changes
from mailhost.net.stream.interruptions import IdleTimeout
from mailhost.protocols.imap.responses import status_line

# A change was announced and the store was away when we looked: nobody may announce it again.
LOOK_AGAIN_SECONDS = 3.0


async def until_input(session: Session, *, may_tell_expunges: bool) -> None:
    """Until a line can be read, or the connection's end be noticed. Raises IdleTimeout after the client's silence."""
    loop = asyncio.get_running_loop()
    limits = session.host.limits
    ends_at = loop.time() + limits.autologout_seconds
    notice_at = loop.time() + limits.idle_notice_seconds
    while True:
        look_at = loop.time() + LOOK_AGAIN_SECONDS if session.is_behind else ends_at
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
            return
        await tell_changes(session, may_tell_expunges=may_tell_expunges)
