"""The one-time link that makes the first operator of a host that has none.

Its token is written to the log at the start of the web server; what is kept is a digest, in a file under var/. A new
start makes a new token, and every token is void once there is an operator.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from django.conf import settings
from django.db import transaction

from mailboxes.accounts import add_operator
from mailboxes.models import Account
from mailhost.net.database import cursor

TOKEN_OCTETS = 32
LOCK_KEY = 0x6D61696C  # "mail": two people with the same link may not both become the first


class TokenInvalid(Exception):
    """The token is not the last one that was made, or there is an operator already."""


def make_token() -> str | None:
    """A new token in place of the last one; None where there is an operator."""
    if has_operator():
        return None
    token = secrets.token_urlsafe(TOKEN_OCTETS)
    path = token_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(digest(token))
    fresh.replace(path)
    return token


def is_valid(token: str) -> bool:
    """Whether the link may still be used."""
    try:
        kept = token_path().read_text()
    except OSError:
        return False
    return hmac.compare_digest(kept, digest(token)) and not has_operator()


@transaction.atomic
def use_token(token: str, *, login: str, password: str) -> Account:
    """Makes the operator. Raises TokenInvalid, LoginTaken, PasswordRefused."""
    with cursor() as sql:
        sql.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK_KEY,))
    if not is_valid(token):
        raise TokenInvalid
    account = add_operator(login=login, password=password, by="first operator's link")
    transaction.on_commit(lambda: token_path().unlink(missing_ok=True))
    return account


def has_operator() -> bool:
    return Account.objects.filter(is_operator=True).exists()


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def token_path() -> Path:
    folder: Path = settings.VAR
    return folder / "first_operator"
