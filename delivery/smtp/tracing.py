"""What a session notes of its messages and refusals, and the writer that puts it into the database in batches."""

import asyncio
from collections import deque
from collections.abc import Sequence

import structlog
from django.conf import settings
from django.db import DatabaseError

from delivery.filters.recording import Judged
from delivery.findings import Action
from delivery.models.trace import Outcome
from delivery.smtp.session import Session
from delivery.trace import MAX_SUBJECT, Noted, write
from mailhost.net.store_threads import StoreUnavailable, in_store
from mailhost.protocols.message.header import unfold
from mailhost.protocols.message.text import decode_words, one_line
from mailhost.protocols.message.working_out import message_id_of
from mailhost.protocols.smtp.header import first_fields, header_end
from mailhost.protocols.smtp.replies import Reply

log = structlog.get_logger(__name__)

WAITING_SECONDS = 1.0
AT_ONCE = 500
MAX_WAITING = 20_000  # beyond that the oldest are let go: the database is away, and mail goes on elsewhere

_OUTCOMES = {
    Action.DELIVER: Outcome.ACCEPTED,
    Action.JUNK: Outcome.JUNK,
    Action.QUARANTINE: Outcome.QUARANTINED,
    Action.REFUSE: Outcome.QUARANTINED,
}


class TraceWriter:
    """Of one process. note() waits for nothing."""

    def __init__(self) -> None:
        self._waiting: deque[Noted] = deque(maxlen=MAX_WAITING)
        self._writing: asyncio.Task[None] | None = None

    def note(self, noted: Sequence[Noted]) -> None:
        """To be written within about a second."""
        self._waiting.extend(noted)
        if self._writing is None and self._waiting:
            self._writing = asyncio.get_running_loop().create_task(self._write_all())

    async def close(self) -> None:
        """Writes what waits."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        await self._write()

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(WAITING_SECONDS)
                await self._write()
        finally:
            self._writing = None

    async def _write(self) -> None:
        while self._waiting:
            some = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
            try:
                await in_store(write, some)
            except StoreUnavailable:
                self._waiting.extendleft(reversed(some))
                return
            except DatabaseError as error:  # one bad row shall not keep all others out for ever
                log.error("trace not written", rows=len(some), error=str(error).partition("\n")[0])


def note_refusal(session: Session, reply: Reply) -> None:
    """A recipient, a transaction or a session was refused or put off; what the message's end said is noted already."""
    forward_path, session.named = session.named, ""
    if session.is_noted:
        session.is_noted = False
        return
    envelope = session.envelope
    session.host.trace(
        [
            _noted(
                session,
                forward_path=forward_path,
                reverse_path=str(envelope.reverse_path) if envelope else "",
                outcome=_refusal(reply),
                reply=str(reply),
            )
        ]
    )


def note_message(
    session: Session,
    octets: bytes,
    replies: Sequence[Reply],
    *,
    trace_id: str,
    kept: bytes = b"",
    judged: Sequence[Judged] = (),
    is_waiting: bool = False,
) -> None:
    """What became of the message at the end of DATA, for each forward-path and each account that it leads to.

    replies: one for each forward-path (LMTP), or one for all. kept: the message with what was added, such as the name
    that it came without (RFC 6409 section 8.3): the queue knows it by that. is_waiting: it may be taken back, so nobody
    is told yet that it is for him.
    """
    envelope = session.envelope
    assert envelope is not None
    session.is_noted = True
    outcomes = {each.account_id: _OUTCOMES[each.action] for each in judged}
    message_id, subject = _named(kept or octets)
    noted = []
    if len(replies) == 1:
        replies = [*replies] * len(envelope.forward_paths)
    for forward_path, route, reply in zip(envelope.forward_paths, envelope.routes, replies, strict=True):
        copies: list[tuple[int | None, Outcome]] = [
            (account_id, outcomes.get(account_id, Outcome.ACCEPTED)) for account_id in route.account_ids
        ]
        copies += [(None, Outcome.RELAYED)] if route.relay else []
        if is_waiting:
            copies = [(None, Outcome.WAITING)]
        for account_id, outcome in copies:
            noted.append(
                _noted(
                    session,
                    trace_id=trace_id,
                    forward_path=str(forward_path),
                    reverse_path=str(envelope.reverse_path),
                    account_id=account_id,
                    message_id=message_id,
                    subject=subject,
                    size_octets=len(octets),
                    outcome=_refusal(reply) if reply.is_refusal else outcome,
                    reply=str(reply),
                )
            )
    session.host.trace(noted)


def _noted(
    session: Session,
    *,
    forward_path: str,
    reverse_path: str,
    outcome: Outcome,
    reply: str,
    trace_id: str = "",
    account_id: int | None = None,
    message_id: str = "",
    subject: str = "",
    size_octets: int = 0,
) -> Noted:
    return Noted(
        at=session.host.clock(),
        session=session.id,
        trace_id=trace_id,
        peer=session.connection.peer,
        helo=session.helo,
        tls=session.connection.tls[0],
        login=session.principal.login if session.principal else "",
        reverse_path=reverse_path,
        forward_path=forward_path,
        domain=forward_path.rpartition("@")[2].lower() if "@" in forward_path else "",
        account_id=account_id,
        message_id=message_id,
        subject=subject,
        size_octets=size_octets,
        outcome=outcome,
        reply=reply,
    )


def _refusal(reply: Reply) -> Outcome:
    return Outcome.DEFERRED if reply.code < 500 else Outcome.REFUSED


def _named(octets: bytes) -> tuple[str, str]:
    """Message-ID, and the subject where it is to be kept: as the first fields of these names say them, else ""."""
    wanted = {b"message-id", b"subject"} if settings.TRACE_SUBJECTS else {b"message-id"}
    found = {
        name: [unfold(value)] for name, value in first_fields(octets[: header_end(octets)], wanted).items()
    }
    subject = b"".join(found.get(b"subject", ()))
    return message_id_of(found), one_line(decode_words(subject[: 4 * MAX_SUBJECT]), limit=MAX_SUBJECT)
