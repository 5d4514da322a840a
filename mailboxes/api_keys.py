"""Keys for the REST API: `mh_` and 256 random bits. Only their SHA-256 is stored."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from mailboxes.accounts import find_login
from mailboxes.exceptions import MailboxFact
from mailboxes.models import ApiKey
from mailhost.audit.trail import record

PREFIX = "mh_"
ACTOR_PREFIX = "api:"  # of what the audit trail calls a key; no login has a colon there
LAST_USED_STEP = timedelta(
    minutes=1
)  # when a key was last used is told to the minute: not a write for each request


class ApiKeyExists(MailboxFact):
    """There is a key of this name already."""


class ApiKeyNotFound(MailboxFact):
    """There is no key of this name."""


@transaction.atomic
def add_api_key(*, name: str, expires_at: datetime | None = None, login: str | None = None, by: str) -> str:
    """Makes a key and returns it: the only time it can be seen.

    login: of the account whose rights the key has; None: an operator's, which may do everything. Raises ApiKeyExists,
    AccountNotFound.
    """
    account = None if login is None else find_login(login)
    key = PREFIX + secrets.token_urlsafe(32)
    try:
        with transaction.atomic():
            ApiKey.objects.create(name=name, digest=_digest(key), expires_at=expires_at, account=account)
    except IntegrityError:
        raise ApiKeyExists(f"There is an API key {name} already.") from None
    record(by=by, verb="API key added", subject=name, account=account.login if account else None)
    return key


@transaction.atomic
def remove_api_key(*, name: str, by: str) -> None:
    """The key works no more. Raises ApiKeyNotFound."""
    if not ApiKey.objects.filter(name=name).delete()[0]:
        raise ApiKeyNotFound(f"There is no API key {name}.")
    record(by=by, verb="API key removed", subject=name)


def check_api_key(text: str) -> ApiKey | None:
    """The key's row, if there is such a key, it has not expired, and its account, if it is one's, is enabled."""
    key = ApiKey.objects.exclude(account__is_enabled=False).filter(digest=_digest(text)).first()
    now = timezone.now()
    if key is None or (key.expires_at is not None and key.expires_at <= now):
        return None
    if key.last_used_at is None or now - key.last_used_at > LAST_USED_STEP:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


def actor_of(key: ApiKey) -> str:
    """Whom the audit trail names."""
    return ACTOR_PREFIX + key.name


def find_actor(actor: str, *, since: datetime, now: datetime) -> ApiKey | None:
    """The key that actor_of() calls so; None where it is over, or was made after that moment."""
    keys = ApiKey.objects.filter(name=actor.removeprefix(ACTOR_PREFIX), created_at__lte=since)
    return keys.exclude(expires_at__lte=now).first()


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="surrogatepass")).digest()
