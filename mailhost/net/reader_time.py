"""The time zone of whoever reads a page: its script tells it in a cookie (static/mailhost/webmail.js)."""

from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest

TIME_ZONE_COOKIE = "timezone"


def reader_time_zone(request: HttpRequest) -> ZoneInfo | None:
    """As the cookie names it; None (this host's) without it, or where there is none of that name."""
    name = unquote(request.COOKIES.get(TIME_ZONE_COOKIE, ""))
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
