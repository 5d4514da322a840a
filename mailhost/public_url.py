"""Where people reach the web pages of this host: for links that leave it, in mail."""

from django.conf import settings


def public_url(path: str) -> str:
    """The path (from / on) as a whole address; "" for a host that has no name to be reached by."""
    if settings.PUBLIC_URL:
        return f"{settings.PUBLIC_URL}{path}"
    if settings.HTTPS:
        return "" if settings.HOSTNAME == "localhost" else f"https://{settings.HOSTNAME}{path}"
    return f"http://{settings.HOSTNAME}:{settings.PORTS['web']}{path}"
