"""When a message is to be released: HOLDFOR and HOLDUNTIL of MAIL (RFC 4865 section 3, RFC 3339 section 5.6)."""

import functools
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from mailhost.protocols.smtp.replies import CommandRefused

MAX_INTERVAL_SECONDS: Final = 999_999_999  # nine digits; about 31 years

# future-release-integer = %x31-39 *8DIGIT
_INTERVAL = re.compile(r"[1-9][0-9]{0,8}")
# date-time of RFC 3339, with the fraction bounded: nobody means more than nanoseconds
_DATE_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]{1,9})?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class FutureRelease:
    """What was asked: an interval, or a moment (in UTC). request: as a DSN's Future-Release-Request has it."""

    request: str
    interval: timedelta | None = None
    moment: datetime | None = None

    def release_at(self, *, now: datetime) -> datetime:
        """The moment before which nothing is to leave; it may be over, or beyond the years that there are."""
        if self.moment is not None:
            return self.moment
        return now + (self.interval or timedelta(0))


def parse_future_release(hold_for: str | None, hold_until: str | None) -> FutureRelease | None:
    """The values of both parameters, "" where one is not there, None where it has no value; None without any.

    Raises CommandRefused.
    """
    if hold_for == "" and hold_until == "":
        return None
    if hold_for != "" and hold_until != "":
        raise CommandRefused(501, "5.5.4", "HOLDFOR and HOLDUNTIL exclude each other")
    if hold_for != "":
        if not hold_for or not _INTERVAL.fullmatch(hold_for):
            raise CommandRefused(501, "5.5.4", "HOLDFOR takes 1 to 999999999 seconds")
        return FutureRelease(f"for;{hold_for}", interval=timedelta(seconds=int(hold_for)))
    moment = _moment(hold_until or "")
    if moment is None:
        raise CommandRefused(501, "5.5.4", "HOLDUNTIL takes a moment such as 2027-01-31T08:00:00Z")
    return FutureRelease(f"until;{(hold_until or '').upper()}", moment=moment)


def longest_wait(*, max_seconds: int, now: datetime) -> str:
    """EHLO's line: the longest interval, and the last moment, to which it leads."""
    return _longest_wait(max_seconds, now.replace(microsecond=0))


@functools.lru_cache(maxsize=4)
def _longest_wait(max_seconds: int, now: datetime) -> str:
    """Clients ask many times a second."""
    until = (now + timedelta(seconds=max_seconds)).astimezone(UTC)
    return f"FUTURERELEASE {max_seconds} {until:%Y-%m-%dT%H:%M:%SZ}"


def _moment(text: str) -> datetime | None:
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(each) for each in found.groups()[:6])
    sign, hours, minutes = found.groups()[6:]
    try:
        zone = _zone(sign, hours, minutes)
        # RFC 3339 section 5.7: a leap second is the 61st of its minute.
        at = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)
        return (at + timedelta(seconds=1) if second == 60 else at).astimezone(UTC) if second <= 60 else None
    except (ValueError, OverflowError):
        return None


def _zone(sign: str | None, hours: str | None, minutes: str | None) -> timezone:
    """Raises ValueError where no clock has such an offset."""
    if sign is None or hours is None or minutes is None:
        return UTC
    if int(minutes) > 59:
        raise ValueError(minutes)
    east = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(east if sign == "+" else -east)
