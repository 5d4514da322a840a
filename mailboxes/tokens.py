"""Signing in with a bearer token (RFC 6750): whoever issues tokens checks them, the account's own door is kept here.

MAILHOST_TOKEN_CHECKER names the checker. Without one no token is taken, and no mechanism for tokens is offered.
"""

from collections.abc import Callable
from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string

from mailboxes.accounts import MAX_LOGIN_CHARACTERS
from mailboxes.authentication import FIND, Brakes, Principal, find_row, principal_of
from mailboxes.logins import canonical_login

# Takes a token; gives the login of the account that it lets read and send mail, or None. Synchronous, raises nothing.
TokenChecker = Callable[[str], str | None]


def token_checker() -> TokenChecker | None:
    """The checker that the setting names. Raises ImportError."""
    return cast(TokenChecker, import_string(settings.TOKEN_CHECKER)) if settings.TOKEN_CHECKER else None


def check_token(*, token: str, login: str, peer: str, protocol: str) -> Principal:
    """The account that the token is for. With a `login`, it has to be that one's.

    Raises AuthenticationFailed (answer after its wait_seconds), TooManyFailures.
    """
    claimed = canonical_login(login[:MAX_LOGIN_CHARACTERS])
    brakes = Brakes(claimed, peer)
    brakes.refuse_if_too_many()
    checker = token_checker()
    named = checker(token) if checker is not None and token else None
    if named is None or claimed not in {"", canonical_login(named)}:
        raise brakes.failed()
    row = find_row(FIND, canonical_login(named))
    principal = principal_of(row, protocol=protocol) if row is not None else None
    if principal is None:
        raise brakes.failed()
    return principal
