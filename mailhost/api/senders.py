"""Whose sent mail a request is about, and whether its key may see that."""

from typing import Annotated

from django.http import HttpRequest
from ninja import Query

from mailboxes.accounts import find_login
from mailboxes.administration import domains_administered_by
from mailboxes.exceptions import AccountNotFound
from mailboxes.models import Account
from mailhost.api.keys import key_of
from mailhost.api.problems import LoginRequired
from mailhost.protocols.addresses import MAX_ADDRESS_OCTETS

Login = Annotated[
    str,
    Query(
        max_length=MAX_ADDRESS_OCTETS,
        description="Who has sent it. A key of an account may leave it out and means that account then; an operator's "
        "key has to name one.",
    ),
]


def visible_sender(request: HttpRequest, login: str) -> Account:
    """Of an account's key: itself, or an account of a domain that it administers. Raises AccountNotFound,
    LoginRequired."""
    account = _named(request, login)
    asking = key_of(request).account
    if asking is None or asking.pk == account.pk:
        return account
    if account.login.rpartition("@")[2] not in domains_administered_by(account_id=asking.pk):
        raise AccountNotFound(login)
    return account


def sender_of(request: HttpRequest, login: str) -> Account:
    """Who acts: an account by its own key, or whom an operator names. Subjects of mail are no administrator's matter.

    Raises AccountNotFound, LoginRequired.
    """
    account = _named(request, login)
    asking = key_of(request).account
    if asking is not None and asking.pk != account.pk:
        raise AccountNotFound(login)
    return account


def _named(request: HttpRequest, login: str) -> Account:
    if login:
        return find_login(login)
    asking = key_of(request).account
    if asking is None:
        raise LoginRequired
    return asking
