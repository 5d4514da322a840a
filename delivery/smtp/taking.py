"""The end of every message that comes in, by DATA or by BDAT: completed, handed to delivery, answered.

RFC 5321 section 4.1.1.4: 250 is said only when the message is committed.
"""

import structlog

from delivery.acceptance import Acceptance
from delivery.envelope import Envelope
from delivery.smtp.completion import complete
from delivery.smtp.examining import Examined, examine_incoming
from delivery.smtp.replies import FACTS, reply_to
from delivery.smtp.session import Session
from delivery.smtp.tracing import note_message
from mailhost.protocols.smtp.replies import Reply

log = structlog.get_logger(__name__)


async def take(session: Session, octets: bytes) -> Reply:
    """Takes the message of the session's transaction, or notes that it was refused.

    Raises CommandRefused, and the facts of Writer.accept.
    """
    trace_id = session.host.new_trace_id()
    try:
        examined = await examine_incoming(session, octets, trace_id=trace_id)
        reply = await _accept(session, octets, examined, trace_id)
    except FACTS as fact:
        note_message(session, octets, reply_to(fact), trace_id=trace_id)
        raise
    note_message(session, octets, reply, trace_id=trace_id, judged=examined.judged)
    return reply


async def _accept(session: Session, octets: bytes, examined: Examined, trace_id: str) -> Reply:
    envelope = session.envelope
    assert envelope is not None
    whole = await complete(session, octets, trace_id=trace_id, results_field=examined.results_field)
    await session.host.accept(_acceptance(session, envelope, whole, examined))
    session.idle_commands = 0
    _log(session, envelope, trace_id=trace_id, size_octets=len(whole))
    return Reply(250, "2.0.0", f"Ok: accepted as {trace_id}")


def _acceptance(session: Session, envelope: Envelope, octets: bytes, examined: Examined) -> Acceptance:
    return Acceptance(
        octets=octets,
        account_ids=examined.plain_ids,
        relay=tuple(envelope.relay.values()),
        reverse_path=str(envelope.reverse_path),
        submitted_by=session.principal.account_id if session.principal else None,
        body=envelope.body,
        is_smtputf8=envelope.is_smtputf8,
        ret=envelope.ret,
        envid=envelope.envid,
        requires_tls=envelope.requires_tls,
        dsn_requests=envelope.dsn_requests,
        judged=examined.judged,
    )


def _log(session: Session, envelope: Envelope, *, trace_id: str, size_octets: int) -> None:
    log.info(
        "accepted",
        id=trace_id,
        peer=session.connection.peer,
        login=session.principal.login if session.principal else "",
        reverse_path=str(envelope.reverse_path),
        recipients=len(envelope.forward_paths),
        local=len(envelope.account_ids),
        relay=len(envelope.relay),
        size_octets=size_octets,
    )
