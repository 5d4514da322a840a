"""The day in two characters of base32, as SRS has it: what addresses that expire carry."""

from datetime import datetime, timedelta
from typing import Final

_BASE32: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_DAYS: Final = 1_024  # the day comes again after nearly three years
_DAY: Final = timedelta(days=1)
_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def day_stamp(moment: datetime) -> str:
    """Of the day in UTC."""
    number = (moment - _EPOCH) // _DAY % _DAYS
    return _BASE32[number // 32] + _BASE32[number % 32]


def days_since(stamp: str, *, now: datetime, future_days: int) -> int:
    """How many days ago that was; less than 0 for up to so many days in the future. ValueError where it is no day."""
    numbers = [_BASE32.find(each) for each in stamp.upper()]
    if len(numbers) != 2 or min(numbers) < 0:
        raise ValueError("It has no day.")
    age = ((now - _EPOCH) // _DAY - numbers[0] * 32 - numbers[1]) % _DAYS
    return age - _DAYS if age >= _DAYS - future_days else age
