"""Makes things as a PUT says they should be, through the verbs of domains and mailboxes.

A PUT may meet another one for the same thing: whoever comes second finds it there and changes it.
"""

from typing import Any

from django.db import transaction

from domains.aliases import find_alias, set_alias
from domains.exceptions import AddressTaken, AliasNotFound, DomainExists, DomainNotFound
from domains.models import Alias, Domain
from domains.registration import add_domain, change_domain, domain_name, find_domain
from mailboxes.accounts import add_account, change_account, find_account, remove_account
from mailboxes.exceptions import AccountNotFound, LoginTaken
from mailboxes.models import Account
from mailhost.api.problems import AddressRefused, PasswordRequired, TargetDomainNotFound
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress


def parse_address(text: str, *, field: str) -> EmailAddress:
    """The address in text; AddressRefused that names the field."""
    try:
        return EmailAddress.parse(text)
    except AddressSyntaxError as error:
        raise AddressRefused(text, error, field=field) from error


def address_in(domain: str, local_part: str) -> EmailAddress:
    """The address that a path names: any case, A- or U-labels, the local part as it stands in addresses."""
    return parse_address(f"{local_part}@{domain_name(domain)}", field="local_part")


def put_domain(*, name: str, change: dict[str, Any], by: str) -> tuple[Domain, bool]:
    """The domain as it is now, and whether it was made."""
    name = domain_name(name)
    try:
        try:
            return change_domain(name=name, **change, by=by), False
        except DomainNotFound as error:
            if error.name != name:
                raise
        try:
            return add_domain(name=name, **change, by=by), True
        except DomainExists:
            return change_domain(name=name, **change, by=by), False
    except DomainNotFound as error:
        if error.name == name:
            raise
        raise TargetDomainNotFound(str(error)) from error


def put_account(*, address: EmailAddress, change: dict[str, Any], by: str) -> tuple[Account, bool]:
    """The account as it is now, and whether it was made."""
    try:
        return _changed(address, change, by=by), False
    except AccountNotFound:
        if "password" not in change:
            raise PasswordRequired(str(address)) from None
    try:
        account = add_account(address=address, **change, by=by)
    except (AddressTaken, LoginTaken) as taken:
        try:
            return _changed(address, change, by=by), False
        except AccountNotFound:
            raise taken from None
    return account, True


def _changed(address: EmailAddress, change: dict[str, Any], *, by: str) -> Account:
    """The account after the change. The password that it has already is not set again: that would end sessions."""
    account = find_account(address=address)
    if "password" in change and account.check_password(change["password"]):
        change = {name: value for name, value in change.items() if name != "password"}
    if change:
        change_account(account_id=account.pk, **change, by=by)
    return find_account(address=address)


def delete_account(*, address: EmailAddress, by: str) -> None:
    """Removes the account with its mail. Raises AccountNotFound, DomainNotFound."""
    remove_account(account_id=find_account(address=address).pk, by=by)


@transaction.atomic
def put_alias(*, address: EmailAddress, change: dict[str, Any], by: str) -> tuple[Alias, bool]:
    """The alias as it is now, and whether it was made."""
    find_domain(
        name=address.domain, lock=True
    )  # what is left out stays as it is: nobody may change it meanwhile
    targets = [parse_address(target, field="targets") for target in change["targets"]]
    is_enabled = change.get("is_enabled")
    if is_enabled is None:
        try:
            is_enabled = find_alias(address=address).is_enabled
        except AliasNotFound:
            is_enabled = True
    return set_alias(address=address, targets=targets, is_enabled=is_enabled, by=by)
