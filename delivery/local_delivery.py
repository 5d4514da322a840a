"""Delivery into mailboxes here of what has waited in the queue: placed and written back in one transaction.

Whom an address leads to is asked now, not when the message was submitted: accounts and aliases change. What was known
then is refused in the session; what has changed since becomes a notice to the reverse-path (RFC 5321 section 6.1).
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Final

from django.conf import settings
from django.db import transaction

from delivery.models import LED_ON, QueuedMessage, QueuedRecipient
from delivery.models.trace import Outcome as TraceOutcome
from delivery.queue.enqueue import enqueue
from delivery.queue.outcomes import Recorded, record
from delivery.queue.rows import NewQueuedMessage, NewRecipient, domain_of
from delivery.queue.values import Claim, RecipientResult
from delivery.relay.outcome import Bounced, Deferred, Delivered, Outcome, Peer
from delivery.relay.parcel import OutgoingRecipient, Parcel
from delivery.returns.arriving import Settled, settle
from delivery.routing import AccountDisabled, Route, route
from delivery.suppression_holding import hold_back_queued
from delivery.trace import MAX_SUBJECT, Noted, write
from domains.exceptions import AddressNotFound, DomainNotFound, TooManyTargets
from mailboxes.exceptions import AccountNotFound, MailboxNotFound, QuotaExceeded
from mailboxes.models import Content, Mailbox
from mailboxes.store.locks import lock_mailboxes, lock_usage
from mailboxes.store.mailbox_names import INBOX
from mailboxes.store.placing import place_content
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress
from mailhost.protocols.smtp.dsn_parameters import DsnRequest
from mailhost.protocols.smtp.paths import ForwardPath
from mailhost.protocols.verp import VerpInvalid, is_bounce_address

# In the words of the SMTP door (smtp/replies.py): RFC 3463 sections 3.2, 3.3 and 3.5.
NO_ADDRESS: Final = ("5.1.1", "There is no such address here")
DISABLED: Final = ("5.2.1", "The mailbox is disabled")
TOO_MANY: Final = ("5.4.6", "The address leads to too many others")
FULL: Final = ("4.2.2", "The mailbox is full")
GONE: Final = ("4.2.1", "The recipient has gone meanwhile")
LOST: Final = ("5.3.0", "The message is no longer kept here")


class _ClaimLost(Exception):
    """What was placed must not stay: whoever has the claim now places it."""


@dataclass(slots=True)
class _Placing:
    """One parcel: who has it by now, and which addresses elsewhere it turned out to be for."""

    parcel: Parcel
    now: datetime
    inboxes: dict[int, int] = field(default_factory=dict)
    placed: set[int] = field(default_factory=set)
    onward: dict[tuple[str, str], NewRecipient] = field(default_factory=dict)
    noted: list[Noted] = field(default_factory=list)


def deliver_here(*, claim: Claim, parcel: Parcel, now: datetime, random: Random) -> Recorded:
    """Delivers to each recipient, and writes back what became of it; nothing where the claim is lost.

    Where one cannot be served the others are: each has an outcome of its own.
    """
    try:
        with transaction.atomic():
            return _deliver(claim, parcel, now=now, random=random)
    except _ClaimLost:
        return Recorded(is_own=False)


def _deliver(claim: Claim, parcel: Parcel, *, now: datetime, random: Random) -> Recorded:
    message = parcel.message
    # Bounce addresses lock rows of what they are about: in one order. There is one address for each recipient.
    recipients = sorted(parcel.recipients, key=lambda each: each.forward_path.casefold())
    places = [_route(each, parcel, now=now) for each in recipients]
    placing = _Placing(parcel, now)
    routes = [each for each in places if isinstance(each, Route)]
    _lock(placing, {account_id for each in routes for account_id in each.account_ids})
    outcomes = [
        _place(placing, recipient, place) if isinstance(place, Route) else place.outcome
        for recipient, place in zip(recipients, places, strict=True)
    ]
    results = [
        RecipientResult(message, recipient, outcome)
        for recipient, outcome in zip(recipients, outcomes, strict=True)
    ]
    returned = {
        number: each
        for place in places
        if isinstance(place, Settled)
        for number, each in place.bounces.items()
    }
    # Rows of destinations come last, by name (enqueue.py): this host's own name is before all others.
    recorded = record(results={claim: results}, now=now, random=random, returned=returned)[claim]
    if not recorded.is_own:
        raise _ClaimLost
    _send_onward(placing)
    if placing.noted:
        write(placing.noted)
    return recorded


def _route(recipient: OutgoingRecipient, parcel: Parcel, *, now: datetime) -> Route | Settled:
    """Where it goes; or what became of it, where it goes nowhere or came to a bounce address of ours."""
    message, path = parcel.message, recipient.forward_path
    try:
        address = EmailAddress.parse(path, is_lenient=True) if "@" in path else None
        if address is not None and is_bounce_address(address.local_part):
            return settle(address, content_id=message.content_id, here=_here(), now=now)
        return route(forward_path=ForwardPath(address), size_octets=message.size_octets, may_relay=True)
    except (AddressNotFound, DomainNotFound, AddressSyntaxError, VerpInvalid):
        return Settled(_bounced(NO_ADDRESS))
    except AccountDisabled:
        return Settled(_bounced(DISABLED))
    except TooManyTargets:
        return Settled(_bounced(TOO_MANY))
    except QuotaExceeded:
        return Settled(_deferred(FULL))


def _lock(placing: _Placing, account_ids: Collection[int]) -> None:
    """All that is written to, in the order of store/locks.py. An account that has gone has no inbox here."""
    inboxes = Mailbox.objects.filter(account_id__in=account_ids, name=INBOX, deleted_at=None)
    placing.inboxes = dict(inboxes.values_list("account_id", "pk"))
    try:
        lock_usage(sorted(placing.inboxes))
        lock_mailboxes(sorted(placing.inboxes.values()))
    except (AccountNotFound, MailboxNotFound):
        placing.inboxes = {}


def _place(placing: _Placing, recipient: OutgoingRecipient, found: Route) -> Outcome:
    """An alias is all or nothing, as in routing.py."""
    new = [account_id for account_id in found.account_ids if account_id not in placing.placed]
    try:
        with transaction.atomic():
            for account_id in new:
                if account_id not in placing.inboxes:
                    raise MailboxNotFound(INBOX)
                uid = place_content(
                    account_id=account_id,
                    mailbox_id=placing.inboxes[account_id],
                    content_id=placing.parcel.message.content_id,
                    internal_date=placing.now,
                    now=placing.now,
                )
                if uid is None:
                    return _bounced(LOST)
    except QuotaExceeded:
        return _deferred(FULL)
    except (AccountNotFound, MailboxNotFound):
        return _deferred(GONE)
    placing.placed.update(new)
    placing.noted += [_noted(placing, recipient.forward_path, account_id) for account_id in new]
    for address in found.relay:
        asked = DsnRequest(recipient.notify, recipient.orcpt)
        asked = asked.without_success if found.is_expanded else asked
        alias = recipient.forward_path if recipient.forward_path != str(address) else ""
        onward = NewRecipient(str(address), orcpt=asked.orcpt, notify=asked.notify, original_path=alias)
        placing.onward.setdefault(address.key, onward)
    # RFC 3461 section 5.2.7: where it leads on to one, what was asked goes on with it; where to several, success is
    # told of the alias itself, as expanded.
    is_final = bool(found.account_ids) and not found.is_expanded
    keeps_dsn = not found.account_ids and not found.is_expanded
    return Delivered(_in_words(found), _here(), keeps_dsn=keeps_dsn, is_final=is_final, is_here=True)


def _in_words(found: Route) -> str:
    """What became of it, for the sender too."""
    if not found.account_ids:
        return LED_ON
    return "Delivered here, and led on to another host" if found.relay else "Delivered here"


def _noted(placing: _Placing, forward_path: str, account_id: int) -> Noted:
    """For the account's own page: that it was submitted has been noted without saying for whom."""
    message = placing.parcel.message
    content = Content.objects.filter(pk=message.content_id).values_list("message_id", "subject")
    message_id, subject = content.first() or ("", "")
    return Noted(
        at=placing.now,
        session="",
        trace_id="",
        peer=settings.HOSTNAME,
        helo="",
        tls="",
        login="",
        reverse_path=message.reverse_path,
        forward_path=forward_path,
        domain=domain_of(forward_path),
        account_id=account_id,
        message_id=message_id,
        subject=subject[:MAX_SUBJECT] if settings.TRACE_SUBJECTS else "",
        size_octets=message.size_octets,
        outcome=TraceOutcome.ACCEPTED,
        reply="Delivered here when it was released",
    )


def _send_onward(placing: _Placing) -> None:
    """What an alias leads to elsewhere, but for those that the message is on its way to already."""
    if not placing.onward:
        return
    message = QueuedMessage.objects.get(pk=placing.parcel.message.message_id)
    rows = QueuedRecipient.objects.filter(message=message).values_list("forward_path", flat=True)
    own = {path.casefold() for path in rows}
    recipients = [each for each in placing.onward.values() if each.forward_path.casefold() not in own]
    if recipients:
        onward = NewQueuedMessage(
            content_id=message.content_id,
            reverse_path=message.reverse_path,
            recipients=recipients,
            account_id=message.account_id,
            size_octets=message.size_octets,
            body=message.body,
            smtputf8=message.is_smtputf8,
            envid=message.envid,
            ret=message.ret,
            requires_tls=message.requires_tls,
            ignores_tls=message.ignores_tls,
            future_release=message.future_release,
            forwarded_by=message.forwarded_by,
            deliver_by=message.deliver_by,
            deliver_by_mode=message.deliver_by_mode,
        )
        hold_back_queued(message_ids=enqueue([onward], now=placing.now), now=placing.now)


def _here() -> Peer:
    return Peer(host=settings.HOSTNAME)


def _bounced(what: tuple[str, str]) -> Bounced:
    return Bounced(*what, _here())


def _deferred(what: tuple[str, str]) -> Deferred:
    return Deferred(*what, _here())
