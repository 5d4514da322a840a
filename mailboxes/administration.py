"""Who administers a domain: appoint, withdraw, and who may see what of whom.

The role is asked for at every request, so it ends when it is withdrawn, or when its account is disabled.
"""

from django.db import transaction
from django.db.models import Q, QuerySet

from domains.exceptions import DomainAliasInvalid
from domains.models import Domain
from domains.registration import find_domain
from mailboxes.accounts import find_login
from mailboxes.exceptions import NotAnAdministrator, TooManyAdministrators
from mailboxes.logins import can_be_stored, canonical_login
from mailboxes.models import DomainAdministrator
from mailhost.audit.trail import record

MAX_ADMINISTRATORS = 50  # of one domain: each is told of what goes wrong there


@transaction.atomic
def appoint_administrator(*, domain: str, login: str, by: str) -> tuple[DomainAdministrator, bool]:
    """Lets the account administer the domain, with its domain aliases; True if it did not before.

    Raises DomainNotFound, InvalidAddress, DomainAliasInvalid (ask for the domain that it leads to), AccountNotFound,
    TooManyAdministrators.
    """
    row = find_domain(name=domain, lock=True)
    if row.alias_of is not None:
        raise DomainAliasInvalid(
            f"{row.name} is a domain alias: whoever administers {row.alias_of.name} administers it too."
        )
    account = find_login(login)
    there = DomainAdministrator.objects.filter(domain=row)
    if (found := there.filter(account=account).first()) is not None:
        return found, False
    if there.count() >= MAX_ADMINISTRATORS:
        raise TooManyAdministrators(f"A domain has at most {MAX_ADMINISTRATORS} administrators.")
    appointed = DomainAdministrator.objects.create(domain=row, account=account)
    record(by=by, verb="domain administrator appointed", subject=row.name, account=account.login)
    return appointed, True


@transaction.atomic
def withdraw_administrator(*, domain: str, login: str, by: str) -> None:
    """The account administers the domain no more. Raises DomainNotFound, InvalidAddress, NotAnAdministrator."""
    row = find_domain(name=domain, lock=True)
    login = canonical_login(login)
    there = DomainAdministrator.objects.filter(domain=row)
    if not can_be_stored(login) or not there.filter(account__login=login).delete()[0]:
        raise NotAnAdministrator(f"{login} does not administer {row.name}.")
    record(by=by, verb="domain administrator withdrawn", subject=row.name, account=login)


def administrators_of(*, domain: str) -> "QuerySet[DomainAdministrator]":
    """Who administers the domain of this name, in A-labels; for a domain alias those of the domain it leads to."""
    return (
        DomainAdministrator.objects.filter(Q(domain__name=domain) | Q(domain__domain_aliases__name=domain))
        .filter(domain__alias_of=None)
        .select_related("account", "domain")
        .order_by("account__login")
    )


def domains_administered_by(*, account_id: int) -> list[str]:
    """Names of all domains that the account administers, domain aliases among them: one statement.

    None where it is disabled. What a domain alias was before it became one counts no more.
    """
    granted = Q(
        alias_of=None, administrators__account_id=account_id, administrators__account__is_enabled=True
    )
    granted |= Q(
        alias_of__administrators__account_id=account_id, alias_of__administrators__account__is_enabled=True
    )
    return list(Domain.objects.filter(granted).order_by("name").values_list("name", flat=True).distinct())
