"""What sessions count for reports to other domains, and the writer that adds it up in the database beside them."""

from collections.abc import Sequence

from delivery.feedback.counting import count_messages
from delivery.feedback.observing import Head, Observation
from delivery.feedback.tallying import Counted
from delivery.feedback.writing import CountWriter
from delivery.smtp.session import Session
from mailhost.net.store_threads import in_store
from mailhost.protocols.dmarc.aggregate_reports import Row
from mailhost.protocols.smtp.replies import Reply


class ObservationWriter(CountWriter[Head, Row]):
    """Of one process."""

    def __init__(self) -> None:
        super().__init__(_write)


async def _write(counted: Sequence[Counted[Head, Row]]) -> None:
    await in_store(count_messages, counted)


def note_observation(session: Session, observation: Observation | None, replies: Sequence[Reply]) -> None:
    """Counts a message that was taken or refused; one that was put off will be brought again, and counts then."""
    is_over = any(reply.code < 400 or reply.code >= 500 for reply in replies)
    if observation is not None and session.host.observe is not None and is_over:
        session.host.observe(observation)
