"""Long work: the client hears that it goes on (INPROGRESS, RFC 9585), and it ends when the client has gone.

What only reads ends between two chunks. What writes is one transaction: it is committed as a whole or not at all,
whether anybody still waits for it or not.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from mailboxes.imap.session import Session
from mailhost.net.store_threads import Progress, watching
from mailhost.net.stream.interruptions import ConnectionLost
from mailhost.protocols.imap.responses import in_progress

T = TypeVar("T")


async def with_progress(session: Session, work: Coroutine[Any, Any, T]) -> T:
    """What comes of the work. Only where nothing of a response is half written. Raises ConnectionLost."""
    progress = Progress()
    with watching(progress):
        task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait((task,), timeout=session.host.limits.progress_seconds))[0]:
            if session.connection.is_lost:
                raise ConnectionLost("gone while it waited")
            if "INPROGRESS" not in session.switched_off:
                await session.send(in_progress(session.tag, done=progress.done, goal=progress.goal))
        return task.result()
    finally:
        task.cancel()
