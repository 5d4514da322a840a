"""Whether an account may submit this message now, and whether it is held: asked once for each, at every door.

An account looks hijacked that writes to many it never wrote to, from many networks: a stolen password is used from
rented machines all over the world, while people who write to many strangers do so from where they are.
"""

import functools
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings

from delivery.filters.recording import Judged
from delivery.findings import Action, Finding, Verdict
from delivery.submission.alerts import alert
from delivery.submission.holds import hold_sending
from delivery.submission.limits import (
    DAY_SECONDS,
    WINDOWS,
    Amounts,
    Asked,
    Counted,
    Limits,
    SubmissionLimitReached,
    count,
    with_own,
)
from mailhost.net.database import cursor
from mailhost.protocols.addresses import EmailAddress

# Coarser than a customer's own: who moves through a mobile network stays one.
IPV4_PREFIX: Final = 16
IPV6_PREFIX: Final = 32

HELD: Final = Finding(
    "submission",
    "held",
    "The account that sent it looks as if somebody else used it, so an operator is to look first.",
    at_least=Action.QUARANTINE,
)
# Of several messages: who submits each, and which of its recipients were never written to. In Statement's form.
READ: Final = """
SELECT asked.number, account.id, account.login, account.undo_seconds, domain.id, domain.name,
       hold.account_id IS NOT NULL,
       array_to_json(ARRAY(SELECT given.address FROM unnest(%(numbers)s::bigint[], %(addresses)b::text[])
                                  given(number, address)
                            WHERE given.number = asked.number
                              AND NOT EXISTS (SELECT FROM delivery_knownrecipient known
                                               WHERE known.account_id = account.id AND known.address = given.address))),
       own.messages_per_hour, own.messages_per_day, own.recipients_per_hour, own.recipients_per_day,
       own.first_per_hour, own.first_per_day
  FROM unnest(%(account_ids)s::bigint[]) WITH ORDINALITY asked(account_id, number)
  JOIN mailboxes_account account ON account.id = asked.account_id
  LEFT JOIN domains_address address ON address.id = account.address_id
  LEFT JOIN domains_domain domain ON domain.id = address.domain_id
  LEFT JOIN delivery_sendinghold hold ON hold.account_id = account.id
  LEFT JOIN delivery_submissionlimits own ON own.account_id = account.id
"""
WAITING_OCTETS = b"""
SELECT coalesce(sum(size_octets), 0) FROM delivery_queuedmessage WHERE account_id = %s AND release_at IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Admitted:
    """first_recipients: to be remembered with the message; none of one that is held: it may not be the owner's.

    release_at: it waits until then, and its sender may take it back.
    """

    is_held: bool = False
    first_recipients: tuple[str, ...] = ()
    release_at: datetime | None = None


class TooMuchWaits(Exception):
    """The account has as much waiting for later as it may; the text is a sentence for people."""

    def __init__(self) -> None:
        super().__init__("This account has too much mail waiting for later: let some of it leave first")


@dataclass(frozen=True, slots=True)
class Question:
    """A message of an account; addresses: of its recipients, each once, as keys (EmailAddress.key with an @)."""

    account_id: int
    addresses: tuple[str, ...]

    @classmethod
    def of(cls, account_id: int, recipients: Iterable[EmailAddress]) -> "Question":
        """As admit() gets it."""
        return cls(account_id, tuple(sorted({"@".join(each.key) for each in recipients})))


@dataclass(frozen=True, slots=True)
class Sender:
    """What is known of the account, and which recipients of the message it never wrote to."""

    account_id: int
    login: str
    undo_seconds: int
    domain_id: int | None
    domain: str | None
    is_held: bool
    first_recipients: tuple[str, ...]
    limits: Limits


def admit(
    *,
    account_id: int,
    recipients: Iterable[EmailAddress],
    peer: str,
    now: datetime,
    not_before: datetime | None = None,
) -> Admitted:
    """Counts a message of the account to these recipients, from this address ("" where there is none: webmail).

    not_before: when it is to leave, where the sender has said so; the account's undo time is kept in any case.

    Raises SubmissionLimitReached, and operators and the domain's administrators have had a mail then; TooMuchWaits.
    """
    if not_before is not None:
        require_room(account_id=account_id)
    question = Question.of(account_id, recipients)
    sender = _read(question)
    if sender is None:  # removed meanwhile: nothing can be taken for it, and acceptance will say so
        return Admitted()
    try:
        counted, networks = count(what_counts(sender, question, peer, now))
    except SubmissionLimitReached as reached:
        tell_of_limit(sender, reached, now)
        raise
    suspicion = suspicion_of(sender, counted, networks)
    if suspicion:
        hold(sender, suspicion, now)
    return admitted(sender, is_suspect=bool(suspicion), not_before=not_before, now=now)


def what_counts(sender: Sender, question: Question, peer: str, now: datetime) -> Asked:
    """What the message adds to the account's and the domain's counters."""
    return Asked.of(
        account_id=sender.account_id,
        domain_id=sender.domain_id,
        limits=sender.limits,
        amounts=Amounts(recipients=len(question.addresses), first=len(sender.first_recipients)),
        network=_network(peer),
        now=now,
    )


def admitted(sender: Sender, *, is_suspect: bool, not_before: datetime | None, now: datetime) -> Admitted:
    """What becomes of a message for which there is room."""
    release_at = _release_at(sender.undo_seconds, not_before, now)
    if sender.is_held or is_suspect:
        return Admitted(is_held=True, release_at=release_at)
    # Of what waits they are remembered when it is released (queue/waiting.py): it may be taken back.
    return Admitted(
        first_recipients=() if release_at else sender.first_recipients,
        release_at=release_at,
    )


def require_room(*, account_id: int) -> None:
    """What waits for weeks is kept outside every quota. What can be undone is gone in minutes, and limits bound it.

    Raises TooMuchWaits.
    """
    with cursor() as sql:
        (octets,) = sql.execute(WAITING_OCTETS, (account_id,)).fetchone() or (0,)
    if octets >= settings.WAITING_OCTETS_PER_ACCOUNT:
        raise TooMuchWaits


def _release_at(undo_seconds: int, not_before: datetime | None, now: datetime) -> datetime | None:
    """The later of both; None where it need not wait."""
    undo_until = now + timedelta(seconds=undo_seconds)
    release_at = max(undo_until, not_before or now)
    return release_at if release_at > now else None


def held_copies(
    account_ids: Iterable[int], *, trace_id: str, peer: str, reverse_path: str
) -> tuple[Judged, ...]:
    """For accounts here that a held message goes to: what is not to wait has no queue on the way into a mailbox, but
    quarantine is there."""
    verdict = Verdict(Action.QUARANTINE, 0.0, (HELD,))
    return tuple(
        Judged(account_id, verdict, trace_id=trace_id, peer=peer, reverse_path=reverse_path)
        for account_id in account_ids
    )


def _read(question: Question) -> Sender | None:
    with cursor() as sql:
        row = sql.execute(
            READ.encode(),
            {
                "account_ids": [question.account_id],
                "numbers": [1] * len(question.addresses),
                "addresses": list(question.addresses),
            },
        ).fetchone()
    return None if row is None else sender_of(row)


def sender_of(row: Sequence[Any]) -> Sender:
    """Of a row of READ."""
    _, account_id, login, undo_seconds, domain_id, domain, is_held, first, *own = row
    return Sender(account_id, login, undo_seconds, domain_id, domain, is_held, tuple(first), with_own(own))


def suspicion_of(sender: Sender, counted: Sequence[Counted], networks: int) -> str:
    """Why the account looks hijacked, in a sentence; "" where it does not. networks: from how many it sent today."""
    first = next(each.total for each in counted if (each.measure, each.window) == ("first", "hour"))
    if not 0 < settings.HIJACK_FIRST_RECIPIENTS <= first or networks < settings.HIJACK_NETWORKS:
        return ""
    return (
        f"The account wrote to {first} recipients for the first time within an hour, and sent from {networks} "
        "networks today: it looks hijacked."
    )


def hold(sender: Sender, reason: str, now: datetime) -> None:
    """Nothing of it leaves until an operator has looked, who is told."""
    hold_sending(account_id=sender.account_id, reason=reason, by="limits", now=now)
    alert(
        key=f"hold:{sender.account_id}",
        every_seconds=DAY_SECONDS,
        account_id=sender.account_id,
        domain=sender.domain,
        subject=f"Mail of {sender.login} is held",
        text=f"{reason} What it submits waits in the queue until an operator releases or cancels it, and lifts "
        "the hold, in the administration under Sending holds. Change its password first.",
        now=now,
    )


@functools.lru_cache(maxsize=1_024)
def _network(peer: str) -> str:
    """What counts as one place; "" where the address is not known."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return ""
    prefix = IPV4_PREFIX if address.version == 4 else IPV6_PREFIX
    return str(ipaddress.ip_network((address, prefix), strict=False))


def tell_of_limit(sender: Sender, reached: SubmissionLimitReached, now: datetime) -> None:
    """Operators and the domain's administrators get a mail, once in a window."""
    counted = reached.counted
    who = sender.login if counted.scope == "account" else str(sender.domain)
    alert(
        key=f"limit:{counted.scope}:{who}:{counted.window}",
        every_seconds=dict(WINDOWS)[counted.window],
        account_id=sender.account_id,
        domain=sender.domain,
        subject=f"{who} has reached a sending limit",
        text=f"{reached}. It was {sender.login} who sent. An account can have limits of its own: see Submission limits "
        "in the administration.",
        now=now,
    )
