"""Who asks: an API key as a bearer token (RFC 6750 section 2.1). Sessions of the web pages count for nothing here."""

from django.http import HttpRequest
from ninja.security import HttpBearer

from mailboxes.api_keys import actor_of, check_api_key
from mailboxes.models import ApiKey


class KeyOfAnAccount(Exception):
    """A key of an account asks for what is the operators'."""

    def __init__(self) -> None:
        super().__init__("This key has the rights of an account, and this is for operators.")


class AnyKey(HttpBearer):
    """Puts the key's row into `request.auth`: for what an account may ask as well. The view looks whose key it is."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:
        """The key's row, or None: 401."""
        return check_api_key(token.strip())


class BearerKey(AnyKey):
    """As AnyKey, for operators alone: what every operation asks for that does not say otherwise."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:
        """The key's row, or None: 401. Raises KeyOfAnAccount."""
        key = super().authenticate(request, token)
        if key is not None and key.account_id is not None:
            raise KeyOfAnAccount
        return key


def key_of(request: HttpRequest) -> ApiKey:
    """Who asks."""
    key: ApiKey = request.auth  # type: ignore[attr-defined]  # set by django-ninja from what authenticate returns
    return key


def actor(request: HttpRequest) -> str:
    """Whom the audit trail names."""
    return actor_of(key_of(request))
