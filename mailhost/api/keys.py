"""Who asks: an API key as a bearer token (RFC 6750 section 2.1). Sessions of the web pages count for nothing here."""

from django.http import HttpRequest
from ninja.security import HttpBearer

from mailboxes.api_keys import check_api_key
from mailboxes.models import ApiKey


class BearerKey(HttpBearer):
    """Puts the key's row into `request.auth`."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:
        """The key's row, or None: 401."""
        return check_api_key(token.strip())


def actor(request: HttpRequest) -> str:
    """Whom the audit trail names."""
    key: ApiKey = request.auth  # type: ignore[attr-defined]  # set by django-ninja from what authenticate returns
    return f"api:{key.name}"
