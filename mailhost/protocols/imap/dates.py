"""Dates of IMAP: `17-Jul-1996 02:44:25 -0700` and `17-Jul-1996` (RFC 3501 section 9, date-time and date)."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

from mailhost.protocols.imap.cursor import Cursor
from mailhost.protocols.imap.errors import ImapSyntaxError

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NUMBERS = {name.upper().encode("ascii"): number for number, name in enumerate(MONTHS, start=1)}
_MONTH_WORDS = b"|".join(_MONTH_NUMBERS)

# date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
_DATE_TIME = re.compile(
    rb'"(?P<day>[ 0-9][0-9])-(?P<month>' + _MONTH_WORDS + rb")-(?P<year>[0-9]{4}) "
    rb'(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2}) (?P<sign>[+-])(?P<zone>[0-9]{4})"',
    re.IGNORECASE,
)
# date = date-text / DQUOTE date-text DQUOTE;  date-text = date-day "-" date-month "-" date-year
_DATE = re.compile(
    rb'(?P<quote>"?)(?P<day>[0-9]{1,2})-(?P<month>' + _MONTH_WORDS + rb")-(?P<year>[0-9]{4})(?P=quote)",
    re.IGNORECASE,
)

SECONDS_A_DAY = 86_400
_EPOCH = date(1970, 1, 1)
_MINUTES = tuple(b"%02d:%02d:" % divmod(minute, 60) for minute in range(SECONDS_A_DAY // 60))
_SECONDS = tuple(b'%02d +0000"' % second for second in range(60))


def take_date_time(cursor: Cursor) -> datetime:
    """An aware moment in UTC."""
    match = _DATE_TIME.match(cursor.octets, cursor.at)
    if match is None:
        raise ImapSyntaxError("expected a date and time")
    cursor.at = match.end()
    try:
        hours, minutes = divmod(int(match["zone"]), 100)
        offset = timedelta(hours=hours, minutes=minutes) * (-1 if match["sign"] == b"-" else 1)
        return datetime(
            *(int(match["year"]), _MONTH_NUMBERS[match["month"].upper()], int(match["day"])),
            # A leap second is the next moment's business; RFC 3501's grammar lets 60 through.
            *(int(match["hour"]), int(match["minute"]), min(int(match["second"]), 59)),
            tzinfo=timezone(offset),
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ImapSyntaxError("there is no such date and time") from None


def take_date(cursor: Cursor) -> date:
    match = _DATE.match(cursor.octets, cursor.at)
    if match is None:
        raise ImapSyntaxError("expected a date")
    cursor.at = match.end()
    try:
        return date(int(match["year"]), _MONTH_NUMBERS[match["month"].upper()], int(match["day"]))
    except ValueError:
        raise ImapSyntaxError("there is no such date") from None


def format_date_time(seconds: int) -> bytes:
    """Seconds since 1970 as INTERNALDATE has them, quoted; always told in UTC.

    A client's first sync asks this of every message, so it is put together of parts that are at hand.
    """
    day, seconds = divmod(seconds, SECONDS_A_DAY)
    minute, second = divmod(seconds, 60)
    return _day(day) + _MINUTES[minute] + _SECONDS[second]


@lru_cache(maxsize=4096)
def _day(number: int) -> bytes:
    day = _EPOCH + timedelta(days=number)
    return b'"%2d-%b-%04d ' % (day.day, MONTHS[day.month - 1].encode("ascii"), day.year)
