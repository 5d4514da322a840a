"""Which domains are hosted: add, remove, enable."""

from types import EllipsisType
from typing import Unpack

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from domains.dkim_keys import make_keys
from domains.exceptions import (
    AddressTaken,
    DomainAliasInvalid,
    DomainExists,
    DomainNotEmpty,
    DomainNotFound,
    InvalidAddress,
)
from domains.models import Address, Domain, SuppressionLearning
from domains.scores import NAMES, Scores, checked_scores, require_order
from mailhost.audit.trail import record
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress, parse_domain


def domain_name(text: str) -> str:
    """The name as it is stored: lower-case A-labels. Raises InvalidAddress."""
    try:
        return parse_domain(text.strip())
    except AddressSyntaxError as error:
        raise InvalidAddress(f"{text!r} is not a domain: {error}") from error


def find_domain(*, name: str, lock: bool = False) -> Domain:
    """The hosted domain of this name. Raises DomainNotFound, InvalidAddress."""
    name = domain_name(name)
    domains = Domain.objects.select_for_update(no_key=True, of=("self",)) if lock else Domain.objects
    try:
        return domains.select_related("alias_of").get(name=name)
    except Domain.DoesNotExist:
        raise DomainNotFound(name) from None


@transaction.atomic
def add_domain(
    *, name: str, alias_of: str | None = None, is_enabled: bool = True, by: str, **scores: Unpack[Scores]
) -> Domain:
    """Hosts a domain, or one whose mail goes to the same local parts of `alias_of`.

    Raises DomainExists, DomainNotFound (of alias_of), DomainAliasInvalid, InvalidAddress, ScoreInvalid.
    """
    own = checked_scores(scores)
    name = domain_name(name)
    if name.startswith("["):
        raise InvalidAddress("An address literal cannot be hosted as a domain.")
    target = _alias_target(name, alias_of)
    domain = Domain(name=name, alias_of=target, is_enabled=is_enabled, **own)
    if own:
        require_order(domain, changed=own)
    try:
        with transaction.atomic():
            domain.save(force_insert=True)
    except IntegrityError:
        raise DomainExists(name) from None
    record(by=by, verb="domain added", subject=name, alias_of=target.name if target else None)
    if settings.DKIM_AUTOMATIC:
        make_keys(domain=domain, now=timezone.now(), by=by)
    return domain


@transaction.atomic
def change_domain(
    *,
    name: str,
    is_enabled: bool | None = None,
    alias_of: str | EllipsisType | None = ...,
    by: str,
    **scores: Unpack[Scores],
) -> Domain:
    """Changes what is given. Raises DomainNotFound, DomainAliasInvalid, ScoreInvalid."""
    _lock_in_order(name, None if isinstance(alias_of, EllipsisType) else alias_of)
    domain = find_domain(name=name, lock=True)
    changes: dict[str, object] = {}
    if is_enabled is not None and is_enabled != domain.is_enabled:
        changes["is_enabled"] = domain.is_enabled = is_enabled
    if not isinstance(alias_of, EllipsisType):
        target = _alias_target(domain.name, alias_of)
        if target != domain.alias_of:
            if target and domain.addresses.exists():
                raise DomainAliasInvalid(
                    f"{domain.name} has addresses of its own, so it cannot be a domain alias."
                )
            domain.alias_of = target
            changes["alias_of"] = target.name if target else None
    for field, score in checked_scores(scores).items():
        if score != getattr(domain, field):
            setattr(domain, field, score)
            changes[field] = score
    if not changes.keys().isdisjoint(NAMES):
        require_order(domain, changed=changes)
    if changes:
        domain.save(update_fields=list(changes))
        record(by=by, verb="domain changed", subject=domain.name, **changes)
    return domain


@transaction.atomic
def set_suppression_learning(*, name: str, learning: SuppressionLearning, by: str) -> Domain:
    """Who in the domain learns from mail that came back, and from complaints. Raises DomainNotFound, and
    DomainAliasInvalid of a domain alias, which has no accounts.
    """
    domain = find_domain(name=name, lock=True)
    if domain.alias_of is not None:
        raise DomainAliasInvalid(
            f"{domain.name} is a domain alias: say it of {domain.alias_of.name} instead."
        )
    if domain.suppression_learning != learning:
        domain.suppression_learning = learning
        domain.save(update_fields=["suppression_learning"])
        record(by=by, verb="domain changed", subject=domain.name, suppression_learning=learning.value)
    return domain


@transaction.atomic
def remove_domain(*, name: str, by: str) -> None:
    """Stops hosting an empty domain. Raises DomainNotFound, DomainNotEmpty."""
    domain = find_domain(name=name, lock=True)
    if domain.addresses.exists() or domain.domain_aliases.exists():
        raise DomainNotEmpty(domain.name)
    domain.delete()
    record(by=by, verb="domain removed", subject=domain.name)


def claim_address(*, address: EmailAddress) -> Address:
    """Makes the row of an address for a new account or alias, in the caller's transaction.

    Raises DomainNotFound, AddressTaken, DomainAliasInvalid (addresses of a domain alias are those of its target).
    """
    local_part, name = address.key
    # FOR NO KEY UPDATE excludes a removal of the domain, and lets other addresses be claimed only one after another:
    # registrations are rare.
    domain = find_domain(name=name, lock=True)
    if domain.alias_of is not None:
        raise DomainAliasInvalid(
            f"{name} is a domain alias: make the address in {domain.alias_of.name} instead."
        )
    try:
        with transaction.atomic():
            return Address.objects.create(domain=domain, local_part=local_part)
    except IntegrityError:
        raise AddressTaken(str(address)) from None


def release_address(address: Address) -> None:
    """Removes the row of an address whose account or alias has just gone."""
    address.delete()


def _lock_in_order(*names: str | None) -> None:
    """Locks those of the domains that are hosted, by name: two changes that cross wait for one another in one order."""
    wanted = [domain_name(name) for name in names if name]
    list(Domain.objects.select_for_update(no_key=True).filter(name__in=wanted).order_by("name"))


def _alias_target(name: str, alias_of: str | None) -> Domain | None:
    """The domain that a domain alias leads to, locked so that it stays what it is."""
    if not alias_of:
        return None
    target = find_domain(name=alias_of, lock=True)
    if target.alias_of is not None:
        raise DomainAliasInvalid(f"{target.name} is a domain alias itself. Choose {target.alias_of.name}.")
    if target.name == name:
        raise DomainAliasInvalid(f"{name} cannot be an alias of itself.")
    if Domain.objects.filter(alias_of__name=name).exists():
        raise DomainAliasInvalid(f"{name} has domain aliases of its own, so it cannot become one.")
    return target
