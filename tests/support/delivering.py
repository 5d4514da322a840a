"""The one-statement delivery on Django's connection, where a test has no event loop of its own."""

from collections.abc import Sequence
from datetime import datetime

from mailboxes.store.deliver import DELIVER, Delivered, Message, outcome, parameters
from mailhost.net.database import cursor


def deliver_now(messages: Sequence[Message], *, now: datetime) -> list[Delivered | None]:
    """As mailboxes.store.deliver.deliver, in the present transaction if there is one."""
    with cursor() as sql:
        rows = sql.execute(DELIVER, parameters(messages, now=now)).fetchall()
    return outcome(messages, rows)
