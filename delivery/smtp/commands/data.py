"""DATA (RFC 5321 section 4.1.1.4): 250 is said only when the message is committed."""

from typing import Final

import structlog

from delivery.acceptance import Acceptance
from delivery.smtp.completion import complete
from delivery.smtp.examining import examine_incoming
from delivery.smtp.message_reading import read_message
from delivery.smtp.session import Session, State
from mailhost.protocols.smtp.replies import CommandRefused, Reply

ALLOWED_IN: Final = frozenset({State.RECIPIENTS})
GO_AHEAD: Final = Reply(354, "", "End data with <CR><LF>.<CR><LF>")

log = structlog.get_logger(__name__)


async def data(session: Session, argument: str) -> Reply:
    """Takes the message and hands it to delivery."""
    if argument:
        raise CommandRefused(501, "5.5.4", "DATA takes no argument")
    session.connection.write(GO_AHEAD.encode())
    try:
        return await _take(session)
    finally:
        session.reset()


async def _take(session: Session) -> Reply:
    envelope = session.envelope
    assert envelope is not None
    async with read_message(session) as octets:
        trace_id = session.host.new_trace_id()
        examined = await examine_incoming(session, octets, trace_id=trace_id)
        octets = await complete(session, octets, trace_id=trace_id, results_field=examined.results_field)
        await session.host.accept(
            Acceptance(
                octets=octets,
                account_ids=examined.plain_ids,
                judged=examined.judged,
                is_held=examined.is_held,
                first_recipients=examined.first_recipients,
                relay=tuple(envelope.relay.values()),
                reverse_path=str(envelope.reverse_path),
                submitted_by=session.principal.account_id if session.principal else None,
                body=envelope.body,
                is_smtputf8=envelope.is_smtputf8,
            )
        )
    session.idle_commands = 0
    log.info(
        "accepted",
        id=trace_id,
        peer=session.connection.peer,
        login=session.principal.login if session.principal else "",
        reverse_path=str(envelope.reverse_path),
        recipients=len(envelope.forward_paths),
        local=len(envelope.account_ids),
        relay=len(envelope.relay),
        size_octets=len(octets),
    )
    return Reply(250, "2.0.0", f"Ok: accepted as {trace_id}")
