"""Deliver By: by when a message is to be delivered, and what is to be done where it is not (RFC 2852)."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mailhost.protocols.smtp.replies import CommandRefused

MAX_SECONDS: Final = 999_999_999  # nine digits; about 31 years

# by-value = by-time ";" by-mode [by-trace]; by-time = ["-" / "+"] 1*9DIGIT
_BY = re.compile(r"([+-]?[0-9]{1,9});([NR])(T?)", re.IGNORECASE)
# deliverby-param = min-by-time *("," extension-token)
_MINIMUM = re.compile(r"([0-9]{1,9})(?:,.*)?")


@dataclass(frozen=True, slots=True)
class DeliverBy:
    """mode: "R" returns the message when the time is over, "N" tells its sender; "RT" and "NT" trace it as well."""

    seconds: int
    mode: str

    def moment(self, *, now: datetime) -> datetime:
        """The time that is asked for; in mode N it may be over."""
        return now + timedelta(seconds=self.seconds)


def parse_deliver_by(value: str | None) -> DeliverBy | None:
    """The value of BY; "" where it is not there, None where it has no value. Raises CommandRefused."""
    if value == "":
        return None
    found = _BY.fullmatch(value or "")
    if found is None:
        raise CommandRefused(501, "5.5.4", "BY takes seconds and a mode, such as 120;R or 600;NT")
    asked = DeliverBy(int(found[1]), (found[2] + found[3]).upper())
    if asked.mode.startswith("R") and asked.seconds <= 0:
        raise CommandRefused(501, "5.5.4", "BY in mode R takes more than no seconds")
    return asked


def by_value(*, seconds: int, mode: str) -> str:
    """What the next server is asked for, in the nine digits that there are."""
    return f"{max(-MAX_SECONDS, min(MAX_SECONDS, seconds))};{mode}"


def least_seconds(parameters: str) -> int:
    """What a server takes at least in mode R, from the parameters of its EHLO line; 0 where it does not say."""
    found = _MINIMUM.fullmatch(parameters)
    return int(found[1]) if found else 0
