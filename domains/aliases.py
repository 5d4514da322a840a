"""Addresses that lead elsewhere: set, find, remove."""

from collections.abc import Sequence

from django.db import transaction

from domains.exceptions import AddressTaken, AliasNotFound, InvalidAddress, TooManyTargets
from domains.models import Address, Alias, AliasTarget
from domains.registration import claim_address, find_domain, release_address
from mailhost.audit.trail import record
from mailhost.protocols.addresses import EmailAddress

MAX_TARGETS = 1_000
"""Targets of one alias; more make a mailing list, which wants its own software."""


def find_alias(*, address: EmailAddress, lock: bool = False) -> Alias:
    """The alias of this address. Raises AliasNotFound, DomainNotFound."""
    local_part, name = address.key
    domain = find_domain(name=name)
    aliases = Alias.objects.select_for_update(no_key=True, of=("self",)) if lock else Alias.objects
    try:
        return aliases.select_related("address__domain").get(
            address__domain=domain, address__local_part=local_part
        )
    except Alias.DoesNotExist:
        raise AliasNotFound(str(address)) from None


@transaction.atomic
def set_alias(
    *, address: EmailAddress, targets: Sequence[EmailAddress], is_enabled: bool = True, by: str
) -> tuple[Alias, bool]:
    """Makes the alias, or gives it these targets; True if it was made.

    Raises DomainNotFound, AddressTaken (by an account), InvalidAddress (no targets), TooManyTargets.
    """
    emails = _target_texts(targets)
    # Under the domain's lock nobody else makes or removes the address meanwhile.
    find_domain(name=address.domain, lock=True)
    try:
        alias, is_new = find_alias(address=address, lock=True), False
    except AliasNotFound:
        alias, is_new = (
            Alias.objects.create(address=claim_address(address=address), is_enabled=is_enabled),
            True,
        )
    before = list(alias.targets.values_list("email", flat=True))
    if before == emails and alias.is_enabled == is_enabled:
        return alias, False
    if alias.is_enabled != is_enabled:
        alias.is_enabled = is_enabled
        alias.save(update_fields=["is_enabled"])
    alias.targets.all().delete()
    AliasTarget.objects.bulk_create([AliasTarget(alias=alias, email=email) for email in emails])
    verb = "alias added" if is_new else "alias changed"
    record(by=by, verb=verb, subject=str(alias.address), targets=emails, is_enabled=is_enabled)
    return alias, is_new


@transaction.atomic
def add_alias(
    *, address: EmailAddress, targets: Sequence[EmailAddress], is_enabled: bool = True, by: str
) -> Alias:
    """As set_alias, but for a new alias only. Raises AddressTaken where there is one already."""
    find_domain(name=address.domain, lock=True)
    if Address.objects.filter(domain__name=address.domain, local_part=address.key[0]).exists():
        raise AddressTaken(str(address))
    return set_alias(address=address, targets=targets, is_enabled=is_enabled, by=by)[0]


@transaction.atomic
def remove_alias(*, address: EmailAddress, by: str) -> None:
    """Removes the alias and frees its address. Raises AliasNotFound, DomainNotFound."""
    find_domain(name=address.domain, lock=True)
    alias = find_alias(address=address, lock=True)
    subject = str(alias.address)
    alias.delete()
    release_address(alias.address)
    record(by=by, verb="alias removed", subject=subject)


def _target_texts(targets: Sequence[EmailAddress]) -> list[str]:
    """Each target once, in the order given."""
    if not targets:
        raise InvalidAddress("An alias needs at least one target.")
    if len(targets) > MAX_TARGETS:
        raise TooManyTargets(f"An alias has at most {MAX_TARGETS} targets.")
    return list({target.key: str(target) for target in targets}.values())
