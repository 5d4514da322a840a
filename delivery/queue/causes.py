"""Why a recipient waits: its own cause, or its destination's while that fails and puts off all that waits for it."""

from typing import Final

from django.db.models import Case, CharField, F, Q, When

from delivery.models import DUE_STATES, QueuedRecipient

# Of `recipient` and `destination`, in SQL; CAUSE_NOW is the same for the ORM.
CAUSE_NOW_SQL: Final = """
CASE WHEN recipient.state IN ('queued', 'deferred') AND destination.failures > 0 AND destination.cause <> ''
     THEN destination.cause ELSE recipient.cause END
"""
CAUSE_NOW: Final = Case(
    When(
        Q(state__in=DUE_STATES, destination__failures__gt=0) & ~Q(destination__cause=""),
        then=F("destination__cause"),
    ),
    default=F("cause"),
    output_field=CharField(),
)


def says_it_for_all(recipient: QueuedRecipient) -> bool:
    """Its destination fails, and was looked at since the recipient was tried itself (if ever)."""
    destination = recipient.destination
    if recipient.state not in DUE_STATES or destination.failures == 0 or destination.last_attempt_at is None:
        return False
    return recipient.last_attempt_at is None or recipient.last_attempt_at < destination.last_attempt_at
