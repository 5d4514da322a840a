"""Rows of the inbound trace that tell domains apart: each value has the mark of its domain in it."""

from dataclasses import replace
from datetime import UTC, datetime

from delivery import trace
from delivery.models.trace import Outcome
from delivery.trace import Noted

NOW = datetime.now(UTC).replace(microsecond=0)


def noted(domain: str, mark: str, **changes: object) -> Noted:
    """A message for a recipient of the domain."""
    row = Noted(
        at=NOW,
        session=f"5e55{mark}",
        trace_id=f"77ace{mark}",
        peer=f"2001:db8::{mark}",
        helo="mx.far.test",
        tls="",
        login="",
        reverse_path=f"from-{mark}@far.test",
        forward_path=f"to-{mark}@{domain}",
        domain=domain,
        account_id=None,
        message_id=f"<id-{mark}@far.test>",
        size_octets=1_000,
        outcome=Outcome.ACCEPTED,
        reply=f"250 2.0.0 Ok {mark}",
    )
    return replace(row, **changes)  # type: ignore[arg-type]  # of names that a test has spelled out


def write(*rows: Noted) -> None:
    """Into the trace."""
    trace.write(rows)
