"""The message trace: what was brought here and what became of it, on its way in and on its way out.

inbound.py and outbound.py write it, partitions.py divides it by days.
"""

from datetime import datetime
from typing import Final

from delivery.trace.inbound import MAX_SUBJECT, MAX_TEXT, Noted, search, write
from delivery.trace.partitions import keep_days

TABLES: Final = ("delivery_inboundtrace", "delivery_attempt")

__all__ = ["MAX_SUBJECT", "MAX_TEXT", "Noted", "keep_partitions", "search", "write"]


def keep_partitions(*, now: datetime, days: int) -> None:
    """Makes the partitions of the days to come, and drops those that are older than so many days."""
    for table in TABLES:
        keep_days(table, now=now, days=days)
