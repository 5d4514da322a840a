"""Writes the audit trail, inside the transaction of the act itself: no act without its row, no row without its act."""

from mailhost.audit.models import Act


def record(*, by: str, verb: str, subject: str, **details: object) -> None:
    """Adds one act. `details` take what JSON takes; never a password or a key."""
    Act.objects.create(actor=by, verb=verb, subject=subject, details=details)
