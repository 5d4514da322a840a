"""Routing: each forward-path becomes local accounts, addresses elsewhere, or a fact that refuses it (RFC 5321
section 3.6 and 3.9).

An alias is all or nothing: where one of its accounts is full the sender tries later, so that nobody misses a message
that another one got. A disabled account among others is passed over: that is what disabling it asks for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domains import lookup
from domains.exceptions import AddressNotFound, DomainNotFound
from mailboxes import accounts
from mailboxes.accounts import LocalRecipient
from mailboxes.exceptions import QuotaExceeded
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.smtp.paths import ForwardPath


class AccountDisabled(Exception):
    """Every account that the address leads to is disabled."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where mail for one forward-path goes."""

    account_ids: tuple[int, ...] = ()
    relay: tuple[EmailAddress, ...] = ()


def route(*, forward_path: ForwardPath, size_octets: int = 0, may_relay: bool = False) -> Route:
    """Where mail of that size goes; two statements.

    may_relay: mail for domains that are not hosted here is taken too (submission). Raises DomainNotFound,
    AddressNotFound, TooManyTargets, AccountDisabled, QuotaExceeded.
    """
    try:
        recipients, foreign = _resolve(forward_path)
    except DomainNotFound:
        if not may_relay or forward_path.address is None:
            raise
        return Route(relay=(forward_path.address,))
    enabled = [recipient for recipient in recipients if recipient.is_enabled]
    if not enabled and not foreign:
        raise AccountDisabled(str(forward_path)) if recipients else AddressNotFound(str(forward_path))
    full = [recipient.account_id for recipient in enabled if _is_full(recipient, size_octets)]
    if full:
        raise QuotaExceeded(full)
    return Route(tuple(recipient.account_id for recipient in enabled), foreign)


def may_send_as(*, account_id: int, addresses: Sequence[EmailAddress]) -> bool:
    """Whether mail for each of these addresses would reach the account: its own, its sub-addresses, its aliases."""
    return all(_leads_to(account_id, address) for address in addresses)


def _leads_to(account_id: int, address: EmailAddress) -> bool:
    try:
        recipients, _ = _resolve(ForwardPath(address))
    except (DomainNotFound, AddressNotFound):
        return False
    # Disabled meanwhile: a session that is still open sends no more.
    return any(recipient.account_id == account_id and recipient.is_enabled for recipient in recipients)


def _resolve(forward_path: ForwardPath) -> tuple[list[LocalRecipient], tuple[EmailAddress, ...]]:
    if forward_path.address is None:
        return accounts.postmasters(domain=None), ()
    local_part, domain = forward_path.address.key
    resolution = lookup.resolve(local_part=local_part, domain=domain)
    recipients = (
        accounts.local_recipients(address_ids=list(resolution.address_ids)) if resolution.address_ids else []
    )
    if resolution.is_postmaster:
        recipients += accounts.postmasters(domain=domain)
    return list({recipient.account_id: recipient for recipient in recipients}.values()), resolution.foreign


def _is_full(recipient: LocalRecipient, size_octets: int) -> bool:
    # Where the client does not say a size, one octet is what any message has at least.
    return recipient.room_octets is not None and recipient.room_octets < max(size_octets, 1)
