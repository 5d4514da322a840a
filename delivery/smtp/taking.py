"""The end of every message that comes in, by DATA or by BDAT: completed, handed to delivery, answered.

RFC 5321 section 4.1.1.4: 250 is said only when the message is committed. In LMTP each recipient has a reply of its own
(RFC 2033 section 4.2), so one full mailbox keeps nobody else's mail back.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import structlog
from django.conf import settings

from delivery.acceptance import Acceptance
from delivery.envelope import Envelope
from delivery.findings import Action
from delivery.leading_back import lead_back
from delivery.smtp.completion import complete
from delivery.smtp.examining import Examined, examine_incoming, refusal_of
from delivery.smtp.observing import note_observation
from delivery.smtp.replies import FACTS, reply_to
from delivery.smtp.session import Door, Session
from delivery.smtp.tracing import note_message
from mailboxes.exceptions import MailboxFact
from mailhost.net.store_threads import in_store
from mailhost.protocols.message.scanner import Part, behind
from mailhost.protocols.smtp.dsn_parameters import DsnRequest
from mailhost.protocols.smtp.paths import ForwardPath
from mailhost.protocols.smtp.replies import Reply

log = structlog.get_logger(__name__)


async def take(session: Session, octets: bytes) -> Reply:
    """Takes the message of the session's transaction, or notes that it was refused.

    Raises CommandRefused, and the facts of Writer.accept.
    """
    trace_id = session.host.new_trace_id()
    examined = None
    try:
        await _lead_back(session, octets)
        examined = await examine_incoming(session, octets, trace_id=trace_id)
        whole, replies = await _accept(session, octets, examined, trace_id)
    except FACTS as fact:
        refusal = reply_to(fact)
        note_message(session, octets, [refusal], trace_id=trace_id)
        note_observation(session, examined.observation if examined else None, [refusal])
        raise
    note_observation(session, examined.observation, replies)
    note_message(
        session,
        octets,
        replies,
        trace_id=trace_id,
        kept=whole,
        judged=examined.judged,
        is_waiting=examined.release_at is not None,
    )
    return tell_each(session, replies)


async def _lead_back(session: Session, octets: bytes) -> None:
    """What came to bounce addresses and tells of no failure is mail to the senders. Raises FACTS."""
    envelope = session.envelope
    assert envelope is not None
    addresses = [path.address for path in envelope.bounce_addresses if path.address is not None]
    found = None
    if addresses:
        found = await in_store(lead_back, octets, addresses=addresses, now=session.host.clock())
    if found is not None:
        envelope.lead_back(found)


async def _accept(
    session: Session, octets: bytes, examined: Examined, trace_id: str
) -> tuple[bytes, Sequence[Reply]]:
    """The message as it is kept, and what is answered."""
    envelope = session.envelope
    assert envelope is not None
    whole = await complete(
        session,
        octets,
        trace_id=trace_id,
        results_field=examined.results_field,
        header_changes=examined.header_changes,
    )
    acceptance = _acceptance(session, envelope, whole, examined, root=_root_of(whole, octets, examined))
    taken = Reply(250, "2.0.0", f"Ok: accepted as {trace_id}")
    replies = await _hand_over(session, envelope, acceptance, taken=taken)
    session.idle_commands = 0
    _log(session, envelope, trace_id=trace_id, size_octets=len(whole))
    return whole, replies


def _root_of(whole: bytes, octets: bytes, examined: Examined) -> Part | None:
    """The structure of the message with its trace fields, where that of what came in is known and stands in it. What a
    milter puts in front may be any field, one that belongs to the structure too."""
    if examined.root is None or examined.header_changes or not whole.endswith(octets):
        return None
    return behind(len(whole) - len(octets), octets, examined.root)


def tell_each(session: Session, replies: Sequence[Reply]) -> Reply:
    """The last reply. In LMTP those before it are written: one for each recipient, or one that holds for all."""
    if session.door is Door.LMTP and session.envelope is not None:
        if len(replies) == 1:
            replies = [*replies] * len(session.envelope.forward_paths)
        session.connection.write(b"".join(reply.encode() for reply in replies[:-1]))
    return replies[-1]


async def _hand_over(
    session: Session, envelope: Envelope, acceptance: Acceptance, *, taken: Reply
) -> Sequence[Reply]:
    has_each = session.door is Door.LMTP and len(envelope.forward_paths) > 1
    if has_each and any(refusal_of(each.verdict) for each in acceptance.judged):
        return [await _hand_over_one(session, each, taken=taken) for each in _apart(acceptance, envelope)]
    try:
        await session.host.accept(acceptance)
    except MailboxFact:
        if not has_each:
            raise
        return [await _hand_over_one(session, each, taken=taken) for each in _apart(acceptance, envelope)]
    return [taken]


def _apart(acceptance: Acceptance, envelope: Envelope) -> Iterator[Acceptance]:
    """The message for each recipient; an account or an address that several lead to gets it by the first of them."""
    accounts: set[int] = set()
    addresses: set[tuple[str, str]] = set()
    for path, route in zip(envelope.forward_paths, envelope.routes, strict=True):
        relay = tuple(address for address in route.relay if address.key not in addresses)
        own = set(route.account_ids) - accounts
        accounts |= own
        addresses.update(address.key for address in relay)
        confirmed = tuple(each for each in acceptance.confirmed if own and each[0] == str(path))
        expanded = tuple(each for each in acceptance.expanded if each[0] == str(path))
        yield replace(
            acceptance,
            account_ids=tuple(account_id for account_id in acceptance.account_ids if account_id in own),
            judged=tuple(each for each in acceptance.judged if each.account_id in own),
            relay=relay,
            confirmed=confirmed,
            expanded=expanded,
            waiting=tuple(each for each in acceptance.waiting if each[0] == str(path)),
        )


async def _hand_over_one(session: Session, acceptance: Acceptance, *, taken: Reply) -> Reply:
    refusals = [refusal_of(each.verdict) for each in acceptance.judged]
    if refusals and all(refusals) and not (acceptance.account_ids or acceptance.relay or acceptance.waiting):
        return refusals[0] or taken
    try:
        if acceptance.account_ids or acceptance.judged or acceptance.relay or acceptance.waiting:
            await session.host.accept(acceptance)
    except FACTS as fact:
        return reply_to(fact)
    return taken


def _acceptance(
    session: Session, envelope: Envelope, octets: bytes, examined: Examined, *, root: Part | None
) -> Acceptance:
    is_waiting = examined.release_at is not None
    return Acceptance(
        octets=octets,
        account_ids=examined.plain_ids,
        relay=envelope.leading_elsewhere if is_waiting else tuple(envelope.relay.values()),
        reverse_path=str(envelope.reverse_path),
        submitted_by=session.principal.account_id if session.principal else None,
        body=envelope.body,
        is_smtputf8=envelope.is_smtputf8,
        ret=envelope.ret,
        envid=envelope.envid,
        requires_tls=envelope.requires_tls,
        dsn_requests=envelope.dsn_requests,
        led_from=envelope.led_from,
        confirmed=() if is_waiting else _told_of(envelope.confirmed, session, envelope, examined),
        expanded=() if is_waiting else _told_of(envelope.expanded, session, envelope, examined),
        judged=examined.judged,
        is_held=examined.is_held,
        suppressed=envelope.suppressed,
        first_recipients=examined.first_recipients,
        waiting=envelope.leading_here if is_waiting else envelope.coming_back,
        release_at=examined.release_at,
        future_release=envelope.future_release,
        forwarded_by="" if session.principal else envelope.forwarding_domain,
        deliver_by=envelope.deliver_by,
        deliver_by_mode=envelope.deliver_by_mode,
        root=root,
    )


def _told_of(
    asking: Mapping[ForwardPath, DsnRequest], session: Session, envelope: Envelope, examined: Examined
) -> tuple[tuple[str, DsnRequest], ...]:
    """Nobody is told with a null reverse-path (RFC 3461 section 6.1), and strangers where the operator lets them.

    Nor of what somebody has in quarantine: that is not delivered.
    """
    is_told = session.principal is not None or settings.SMTP_CONFIRM_DELIVERY
    if not asking or not is_told or envelope.reverse_path.address is None:
        return ()
    if any(each.action >= Action.QUARANTINE for each in examined.judged):
        return ()
    return tuple((str(path), dsn) for path, dsn in asking.items())


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
