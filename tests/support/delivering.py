"""The one-statement delivery, where a test has no event loop of its own."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from mailboxes.store.deliver import Delivered, Message, deliver
from mailhost.net.statements import Statements


def deliver_now(messages: Sequence[Message], *, now: datetime) -> list[Delivered | None]:
    """As mailboxes.store.deliver.deliver: committed when it returns, so the test needs the shared database."""

    async def run() -> list[Delivered | None]:
        statements = Statements()
        try:
            return await deliver(statements, messages, now=now)
        finally:
            await statements.close()

    return asyncio.run(run())
