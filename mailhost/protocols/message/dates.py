"""The Date field, strict or as broken as it comes (RFC 5322 sections 3.3 and 4.3)."""

import re
from datetime import UTC, datetime, timedelta

_MONTHS = {
    name: number
    for number, name in enumerate(
        (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"), 1
    )
}
# RFC 5322 section 4.3; other names, military ones among them, count as -0000.
_ZONE_HOURS = {b"EST": -5, b"EDT": -4, b"CST": -6, b"CDT": -5, b"MST": -7, b"MDT": -6, b"PST": -8, b"PDT": -7}

_TIME = rb"(\d{1,2})[:.](\d{1,2})(?:[:.](\d{1,2}))?(?:[.,]\d{1,9})?"
_ZONE = rb"[ \t]*(?:([+-])[ \t]*(\d{1,2}):?(\d{2})|([A-Za-z]{1,5}))?"
_INTERNET = re.compile(
    rb"(?:[A-Za-z]{2,10}\.?)?[, \t]*(\d{1,2})[ \t-]*([A-Za-z]{3})[a-z]{0,6}\.?,?[ \t-]*(\d{2,4})[, \t]+"
    + _TIME
    + _ZONE
).match
_ASCTIME = re.compile(  # Mon Nov 23 13:46:24 [CET] 2026
    rb"[A-Za-z]{3},?[ \t]+([A-Za-z]{3})[ \t]+(\d{1,2})[ \t]+"
    + _TIME
    + rb"(?:[ \t]+([A-Z]{1,5}))?[ \t]+(\d{4})"
).match
_ISO = re.compile(rb"(\d{4})-(\d{2})-(\d{2})[T \t]+" + _TIME + _ZONE).match


def parse_date(value: bytes) -> datetime | None:
    """In UTC; None where there is no date to be found in it or it is out of datetime's years."""
    value = value[:200].strip()
    if b"(" in value:
        value = re.sub(rb"\([^()]*\)", b" ", value).strip()
    if found := _INTERNET(value):
        day, month_name, year, hour, minute, second, sign, hours, minutes, zone = found.groups()
        month = _MONTHS.get(month_name.lower(), 0)
        return _moment(
            _full_year(year), month, int(day), (hour, minute, second), _offset(sign, hours, minutes, zone)
        )
    if found := _ASCTIME(value):
        month_name, day, hour, minute, second, zone, year = found.groups()
        month = _MONTHS.get(month_name.lower(), 0)
        return _moment(int(year), month, int(day), (hour, minute, second), _offset(None, None, None, zone))
    if found := _ISO(value):
        year, month_digits, day, hour, minute, second, sign, hours, minutes, zone = found.groups()
        offset = _offset(sign, hours, minutes, zone)
        return _moment(int(year), int(month_digits), int(day), (hour, minute, second), offset)
    return None


def _full_year(digits: bytes) -> int:
    year = int(digits)
    if len(digits) == 4:
        return year
    return year + 2000 if len(digits) == 2 and year < 50 else year + 1900  # RFC 5322 section 4.3


def _offset(sign: bytes | None, hours: bytes | None, minutes: bytes | None, zone: bytes | None) -> int:
    """Minutes east of UTC."""
    if sign is None or hours is None or minutes is None:
        return _ZONE_HOURS.get((zone or b"").upper(), 0) * 60
    offset = int(hours) * 60 + int(minutes)
    return -offset if sign == b"-" else offset


def _moment(
    year: int, month: int, day: int, time: tuple[bytes, bytes, bytes | None], offset: int
) -> datetime | None:
    hour, minute, second = time
    try:
        # A leap second, which datetime does not know, is told as the second before it.
        local = datetime(year, month, day, int(hour), int(minute), min(int(second or 0), 59), tzinfo=UTC)
        return local - timedelta(minutes=offset)
    except (ValueError, OverflowError):
        return None
