"""Routing: each forward-path becomes local accounts, addresses elsewhere, or a fact that refuses it (RFC 5321
section 3.6 and 3.9).

An alias is all or nothing: where one of its accounts is full the sender tries later, so that nobody misses a message
that another one got. A disabled account among others is passed over: that is what disabling it asks for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils import timezone

from delivery.filters.policies import Policy
from delivery.forwarding import sender_behind
from delivery.returns.addresses import sent_with
from domains import lookup
from domains.exceptions import AddressNotFound, DomainNotFound, TooManyTargets
from mailboxes.exceptions import QuotaExceeded
from mailboxes.local_recipients import (
    LOCAL_RECIPIENT,
    LOCAL_RECIPIENT_JOINS,
    LocalRecipient,
    local_recipients,
    postmasters,
)
from mailboxes.store.sending_as import may_send_for
from mailhost.net.batcher import Batcher
from mailhost.net.database import cursor
from mailhost.net.statements import TEXT_OID, Row, Statement, Statements, binary_array
from mailhost.net.store_threads import in_store
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.smtp.paths import ForwardPath
from mailhost.protocols.srs import SrsInvalid, is_rewritten
from mailhost.protocols.verp import VerpInvalid, is_bounce_address

Key = tuple[str, str]  # EmailAddress.key

MAX_ASKED_TOGETHER = 200
# An address that an account owns wins over everything else that domains.lookup knows. One row for each that is at a
# domain of ours (as in domains.lookup): without an account where it is not just an account's address.
OWNERS = f"""
SELECT asked.number, {LOCAL_RECIPIENT}
  FROM unnest(%(local_parts)b::text[], %(domains)b::text[]) WITH ORDINALITY asked(local_part, domain, number)
  JOIN domains_domain domain ON domain.name = asked.domain AND domain.is_enabled
  JOIN domains_domain canonical ON canonical.id = coalesce(domain.alias_of_id, domain.id) AND canonical.is_enabled
  LEFT JOIN domains_address address ON address.domain_id = canonical.id AND address.local_part = asked.local_part
  LEFT JOIN mailboxes_account account ON account.address_id = address.id
  {LOCAL_RECIPIENT_JOINS}
"""
OWNERS_AT_ONCE = Statement.parse(OWNERS)


class AccountDisabled(Exception):
    """Every account that the address leads to is disabled."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where mail for one forward-path goes. `asks_accounts`: some account has opinions of its own on what it gets.

    `policies`: of each account, as far as they can be told without asking for its opinions. `comes_back`: it is a
    bounce address of ours (VERP), and what it is about is found out afterwards.
    """

    account_ids: tuple[int, ...] = ()
    relay: tuple[EmailAddress, ...] = ()
    asks_accounts: bool = False
    policies: Mapping[int, Policy] = field(default_factory=dict, compare=False)
    comes_back: bool = False

    @property
    def is_expanded(self) -> bool:
        """An alias leads to several, some of them elsewhere (RFC 3461 section 5.2.7.3)."""
        return bool(self.relay) and len(self.relay) + len(self.account_ids) > 1


def route(*, forward_path: ForwardPath, size_octets: int = 0, may_relay: bool = False) -> Route:
    """Where mail of that size goes; two statements, more where an alias is followed.

    may_relay: mail for domains that are not hosted here is taken too (submission). Raises DomainNotFound,
    AddressNotFound, TooManyTargets, AccountDisabled, QuotaExceeded.
    """
    if not may_relay and _is_bounce_address(forward_path):
        return Route(comes_back=True)
    sender = _sender_behind(forward_path)
    forward_path = sender or forward_path
    try:
        recipients, foreign = _resolve(forward_path)
    except DomainNotFound:
        if not (may_relay or sender) or forward_path.address is None:
            raise
        return Route(relay=(forward_path.address,))
    return _route_to(recipients, foreign, forward_path, size_octets)


def _sender_behind(forward_path: ForwardPath) -> ForwardPath | None:
    """Where a bounce of what was forwarded here leads; None where the address is not a rewritten one of ours."""
    address = forward_path.address
    if address is None or not is_rewritten(address.local_part) or not lookup.is_hosted(domain=address.domain):
        return None
    try:
        return ForwardPath(sender_behind(address, now=timezone.now()))
    except SrsInvalid as fact:
        raise AddressNotFound(str(address)) from fact


def _is_bounce_address(forward_path: ForwardPath) -> bool:
    """Raises AddressNotFound where it only looks like one of ours, or has expired."""
    address = forward_path.address
    if address is None or not is_bounce_address(address.local_part):
        return False
    if not lookup.is_hosted(domain=address.domain):
        return False
    try:
        sent_with(address, now=timezone.now())
    except VerpInvalid as fact:
        raise AddressNotFound(str(address)) from fact
    return True


def _route_to(
    recipients: Sequence[LocalRecipient],
    foreign: tuple[EmailAddress, ...],
    forward_path: ForwardPath,
    size_octets: int,
) -> Route:
    enabled = [recipient for recipient in recipients if recipient.is_enabled]
    if not enabled and not foreign:
        raise AccountDisabled(str(forward_path)) if recipients else AddressNotFound(str(forward_path))
    full = [recipient.account_id for recipient in enabled if _is_full(recipient, size_octets)]
    if full:
        raise QuotaExceeded(full)
    return Route(
        tuple(recipient.account_id for recipient in enabled),
        foreign,
        any(recipient.has_opinions for recipient in enabled),
        {recipient.account_id: Policy.of(recipient) for recipient in enabled},
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """What one address is without following anything: at a domain of ours, and the account that owns just it."""

    is_hosted: bool
    owner: LocalRecipient | None = None


ELSEWHERE = _Place(is_hosted=False)


class Router:
    """Routes the recipients of all sessions of a process: those that are just an account's address, or at a domain that
    is not hosted here, together."""

    def __init__(self) -> None:
        self._statements = Statements()
        self._places: Batcher[Key, _Place] = Batcher(self._find_places, max_weight=MAX_ASKED_TOGETHER)

    async def route(self, *, forward_path: ForwardPath, size_octets: int, may_relay: bool) -> Route:
        """As the function route. Also raises StoreUnavailable."""
        address = forward_path.address
        if address is not None:
            place = await self._places.ask(address.key)
            if place.owner is not None:
                return _route_to([place.owner], (), forward_path, size_octets)
            if not place.is_hosted and not _is_postmaster_of_this_host(address.key):
                if not may_relay:
                    raise DomainNotFound(address.key[1])
                return Route(relay=(address,))
        return await in_store(route, forward_path=forward_path, size_octets=size_octets, may_relay=may_relay)

    async def may_send_as(self, *, account_id: int, address: EmailAddress) -> bool:
        """As the function may_send_as. Also raises StoreUnavailable."""
        owner = (await self._places.ask(address.key)).owner
        if owner is not None and owner.account_id == account_id:
            return owner.is_enabled
        return await in_store(may_send_as, account_id=account_id, addresses=[address])

    async def close(self) -> None:
        """Ends once everything that waits is answered."""
        await self._places.close()
        await self._statements.close()

    async def _find_places(self, keys: Sequence[Key]) -> list[_Place]:
        local_parts, domains = ([text.encode() for text in column] for column in zip(*keys, strict=True))
        rows = await self._statements.fetch(
            OWNERS_AT_ONCE,
            {
                "local_parts": binary_array(local_parts, oid=TEXT_OID),
                "domains": binary_array(domains, oid=TEXT_OID),
            },
        )
        return _in_order(keys, [_decode(row) for row in rows])


def owners(keys: Sequence[Key]) -> list[LocalRecipient | None]:
    """The account that owns exactly this address, for each key; None where more is to be found out. One statement."""
    local_parts, domains = zip(*keys, strict=True)
    with cursor() as sql:
        rows = sql.execute(OWNERS.encode(), {"local_parts": list(local_parts), "domains": list(domains)})
        return [place.owner for place in _in_order(keys, rows.fetchall())]


def _decode(row: Row) -> tuple[Any, ...]:
    number, account_id, login, is_enabled, room, has_opinions, *numbers, junk_mailbox = row
    assert number is not None
    if account_id is None or login is None:
        return int(number), None
    return (
        int(number),
        int(account_id),
        login.decode(),
        is_enabled == b"t",
        None if room is None else int(room),
        has_opinions == b"t",
        *(None if octets is None else int(octets) for octets in numbers),
        None if junk_mailbox is None else junk_mailbox.decode(),
    )


def _in_order(keys: Sequence[Key], rows: Sequence[tuple[Any, ...]]) -> list[_Place]:
    found = {
        number: _Place(True, None if account_id is None else LocalRecipient(account_id, *row))
        for number, account_id, *row in rows
    }
    return [found.get(number, ELSEWHERE) for number in range(1, len(keys) + 1)]


def may_send_as(*, account_id: int, addresses: Sequence[EmailAddress]) -> bool:
    """Whether mail for each of these addresses would reach the account (its own, its sub-addresses, its aliases), or
    one that has lent it its name (mailboxes.store.sending_as).

    A disabled account may send as nobody: a session that is still open sends no more.
    """
    own = owners([address.key for address in addresses])
    return all(
        _is_or_acts_for(account_id, [owner]) if owner else _leads_to(account_id, address)
        for owner, address in zip(own, addresses, strict=True)
    )


def reaches(*, account_id: int, address: EmailAddress) -> bool:
    """Whether mail for the address comes to the account itself. Whom a name is lent to does not read its mail."""
    [owner] = owners([address.key])
    found = [owner] if owner else _led_to(address)
    return any(each.account_id == account_id and each.is_enabled for each in found)


def _leads_to(account_id: int, address: EmailAddress) -> bool:
    return _is_or_acts_for(account_id, _led_to(address))


def _led_to(address: EmailAddress) -> list[LocalRecipient]:
    """The accounts here that an address of no account's own leads to."""
    try:
        recipients, _ = _resolve(ForwardPath(address))
    except (DomainNotFound, AddressNotFound, TooManyTargets):
        return []
    return recipients


def _is_or_acts_for(account_id: int, owners: Sequence[LocalRecipient]) -> bool:
    enabled = [owner.account_id for owner in owners if owner.is_enabled]
    return account_id in enabled or may_send_for(account_id=account_id, owner_ids=enabled)


def _resolve(forward_path: ForwardPath) -> tuple[list[LocalRecipient], tuple[EmailAddress, ...]]:
    if forward_path.address is None:
        return postmasters(domain=None), ()
    local_part, domain = forward_path.address.key
    try:
        resolution = lookup.resolve(local_part=local_part, domain=domain)
    except DomainNotFound:
        if not _is_postmaster_of_this_host((local_part, domain)):
            raise
        return postmasters(domain=None), ()
    recipients = local_recipients(address_ids=list(resolution.address_ids)) if resolution.address_ids else []
    if resolution.is_postmaster:
        recipients += postmasters(domain=domain)
    return list({recipient.account_id: recipient for recipient in recipients}.values()), resolution.foreign


def _is_postmaster_of_this_host(key: Key) -> bool:
    """The host writes in that name, hosted domain or not (RFC 5321 section 4.5.1)."""
    return key == (lookup.POSTMASTER, settings.HOSTNAME.lower())


def _is_full(recipient: LocalRecipient, size_octets: int) -> bool:
    # Where the client does not say a size, one octet is what any message has at least.
    return recipient.room_octets is not None and recipient.room_octets < max(size_octets, 1)
