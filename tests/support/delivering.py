"""The one-statement delivery, where a test has no event loop of its own."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from mailboxes.store.deliver import Delivered, Inboxes, Message


def deliver_now(messages: Sequence[Message], *, now: datetime) -> list[Delivered | None]:
    """As Inboxes.deliver: committed when it returns, so the test needs the shared database."""

    async def run() -> list[Delivered | None]:
        inboxes = Inboxes()
        try:
            return await inboxes.deliver(messages, now=now)
        finally:
            await inboxes.close()

    return asyncio.run(run())
