"""A message that comes in from outside, before it is taken: looked at, judged, and refused where all refuse it.

Where some of its recipients take it and others do not, those have it in quarantine: after DATA there is one reply for
all of them (RFC 5321 section 4.2.5), and nothing that was accepted may be bounced to a sender who may be forged.
"""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Final, NoReturn

from delivery.feedback.observing import Observation, observe
from delivery.filters.checkers.recipients import Leads
from delivery.filters.examination import Examination, examine
from delivery.filters.incoming import Incoming
from delivery.filters.recording import Judged
from delivery.findings import Action, Finding, Verdict
from delivery.guard.greylist import Attempt
from delivery.guard.guarding import is_postmaster
from delivery.smtp.observing import note_observation
from delivery.smtp.session import Door, Session
from delivery.smtp.submitting import admit_submission
from mailhost.net.trust import is_trusted
from mailhost.protocols.message.scanner import Part
from mailhost.protocols.milter.answers import HeaderChange
from mailhost.protocols.smtp.replies import CommandRefused, Reply

# RFC 7372 section 3.2: 5.7.26 where several checks of who it is from have failed.
ENHANCED_CODES: Final = {"dmarc": "5.7.26", "virus": "5.7.0"}
POLICY: Final = "5.7.1"


@dataclass(frozen=True, slots=True)
class Examined:
    """plain_ids: accounts that have nothing to say about it; judged: the others.

    results_field, header_changes: as in Examination.

    is_held, first_recipients and release_at: of what is submitted, as in Acceptance. observation: what its author's
    domain is told, None where that does not ask. root: the message's structure as it came, where it is known.
    """

    results_field: bytes
    plain_ids: tuple[int, ...]
    judged: tuple[Judged, ...]
    is_held: bool = False
    first_recipients: tuple[str, ...] = ()
    observation: Observation | None = None
    release_at: datetime | None = None
    header_changes: tuple[HeaderChange, ...] = ()
    root: Part | None = None


async def examine_incoming(session: Session, octets: bytes, *, trace_id: str) -> Examined:
    """Raises CommandRefused where every recipient refuses it, or the account that submits it has sent too much."""
    envelope = session.envelope
    assert envelope is not None
    account_ids = tuple(envelope.account_ids)
    if session.principal is not None:
        submitted = await admit_submission(session, trace_id=trace_id)
        return Examined(
            b"",
            submitted.plain_ids,
            submitted.judged,
            submitted.is_held,
            submitted.first_recipients,
            release_at=submitted.release_at,
        )
    reverse_path = str(envelope.reverse_path)
    guard, visit = session.host.guard, session.visit
    leads = {
        str(path): Leads(route.account_ids, bool(route.relay))
        for path, route in zip(envelope.forward_paths, envelope.routes, strict=True)
    }
    incoming = Incoming(
        peer=ip_address(session.connection.peer),
        helo=session.helo,
        reverse_path=reverse_path,
        domains=envelope.domains,
        octets=octets,
        forward_paths=tuple(leads),
        trace_id=trace_id,
        tls=session.connection.tls,
    )
    found = await examine(
        incoming,
        policies=envelope.policies,
        is_trusted=is_trusted(session.connection.peer),
        asks_accounts=envelope.asks_accounts,
        resolver=session.host.resolver,
        site=session.host.junk,
        host_name=session.host.name,
        known=(await visit.listings()).findings if visit is not None else (),
        now=session.host.clock(),
        checkers=session.host.checkers,
        leads=leads,
    )
    _refuse_for_everybody(session, found)
    if session.door is not Door.LMTP or len(envelope.forward_paths) == 1:  # LMTP has a reply for each
        _refuse_where_all_do(session, found, account_ids, has_others=bool(envelope.relay))
    if found.deferral is not None:
        raise CommandRefused(found.deferral.code, found.deferral.enhanced, found.deferral.text)
    if guard is not None and visit is not None:
        paths = tuple(str(path) for path in envelope.forward_paths if not is_postmaster(path))
        attempt = Attempt(session.connection.peer, reverse_path, paths)
        await guard.allow_delivery(visit, found.findings, attempt, now=session.host.clock())
    judged = tuple(
        Judged(
            account_id,
            verdict,
            trace_id=trace_id,
            peer=session.connection.peer,
            reverse_path=reverse_path,
            place=place,
        )
        for account_id, (verdict, place) in found.verdicts.items()
        if verdict.findings
    )
    apart = {each.account_id for each in judged}
    return Examined(
        found.results_field,
        tuple(a for a in account_ids if a not in apart),
        judged,
        observation=_observation(session, found),
        header_changes=found.header_changes,
        root=incoming.known_root,
    )


def _refuse_for_everybody(session: Session, found: Examination) -> None:
    """What the message itself demands holds for addresses elsewhere too: a virus is not passed on to them."""
    demand = next((each for each in found.findings if each.at_least is Action.REFUSE), None)
    if demand is not None:
        _refuse(session, found, _refusal(demand))


def _refuse(session: Session, found: Examination, reply: Reply) -> NoReturn:
    note_observation(session, _observation(session, found, is_refused=True), [reply])
    raise CommandRefused(reply.code, reply.enhanced, reply.text)


def _observation(session: Session, found: Examination, *, is_refused: bool = False) -> Observation | None:
    """LMTP brings what another host took, and that one reports of it."""
    if session.host.observe is None or session.door is not Door.INBOUND or found.authentication is None:
        return None
    actions = [verdict.action for verdict, _ in found.verdicts.values()]
    return observe(found.authentication, actions=actions, is_refused=is_refused, now=session.host.clock())


def _refuse_where_all_do(
    session: Session, found: Examination, account_ids: tuple[int, ...], *, has_others: bool
) -> None:
    verdicts = [verdict for verdict, _ in found.verdicts.values()]
    if has_others or len(verdicts) < len(account_ids):
        return
    if not verdicts or min(verdict.action for verdict in verdicts) < Action.REFUSE:
        return
    reply = refusal_of(verdicts[0])
    assert reply is not None
    _refuse(session, found, reply)


def refusal_of(verdict: Verdict) -> Reply | None:
    """What the client is told where a verdict refuses the message; None where it does not."""
    if verdict.action is not Action.REFUSE:
        return None
    reason = next((each for each in verdict.findings if each.at_least is Action.REFUSE), None)
    return _refusal(reason)


def _refusal(reason: Finding | None) -> Reply:
    """What the sender's people read. How many points there were for what is told to recipients alone."""
    if reason is None:
        return Reply(550, POLICY, "Not accepted: the message looks like junk mail")
    if reason.reply:
        return Reply.parse(reason.reply)
    return Reply(550, ENHANCED_CODES.get(reason.check, POLICY), f"Not accepted: {reason.text}")
