"""Messages counted in the database for DMARC reports (RFC 9990)."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from delivery.feedback.ledger import MAX_DOMAINS, Ledger
from delivery.feedback.observing import Head
from delivery.feedback.tallying import Counted
from delivery.models import DmarcFeedback, DmarcFeedbackRow
from mailhost.protocols.dmarc.aggregate_reports import DkimOutcome, Override, Row, SpfOutcome

MAX_ROWS: Final = 10_000  # of one domain and day: 10 MB of XML, which gzip makes 300 KB


def _content(row: Row) -> dict[str, Any]:
    content = asdict(row)
    del content["count"]
    return content


MESSAGES: Final = Ledger[Head, Row](
    days=DmarcFeedback,
    rows=DmarcFeedbackRow,
    total="message_count",
    head={
        "policy": lambda head: asdict(head[0]),
        "uris": lambda head: [asdict(uri) for uri in head[1]],
    },
    content=_content,
    max_rows=MAX_ROWS,
)


def count_messages(
    counted: Sequence[Counted[Head, Row]], *, max_domains: int = MAX_DOMAINS, max_rows: int = MAX_ROWS
) -> None:
    """Adds what was counted."""
    MESSAGES.count(counted, max_domains=max_domains, max_rows=max_rows)


def forget_feedback(*, now: datetime, days: int) -> None:
    """Removes what is older than so many days."""
    MESSAGES.forget(now=now, days=days)


def as_row(content: dict[str, Any], *, count: int) -> Row:
    """The row that was kept, with how many messages it is about."""
    return Row(
        **{
            **content,
            "count": count,
            "dkim_outcomes": tuple(DkimOutcome(**each) for each in content["dkim_outcomes"]),
            "spf_outcomes": tuple(SpfOutcome(**each) for each in content["spf_outcomes"]),
            "overrides": tuple(Override(**each) for each in content["overrides"]),
        }
    )
