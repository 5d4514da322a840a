"""How much an account and its domain may submit in an hour and in a day, counted for all doors and processes together.

Windows are the clock's hours and days (UTC): so the moment at which there is room again is known without asking, and
can be told. Around the turn of a window twice as much may pass.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import Final, Literal, NamedTuple, get_args

from django.conf import settings

from mailhost.net.counted_together import Addition, Additions, Distinct, add_together

HOUR_SECONDS: Final = 3_600
DAY_SECONDS: Final = 86_400
MEASURES: Final = ("messages", "recipients", "first")
WINDOWS: Final = (("hour", HOUR_SECONDS), ("day", DAY_SECONDS))
NAMES: Final = {"messages": "messages", "recipients": "recipients", "first": "first-time recipients"}

Scope = Literal["account", "domain"]
SETTINGS: Final[Mapping[Scope, Sequence[str]]] = {
    scope: [f"{scope}_{measure}_per_{window}".upper() for measure in MEASURES for window, _ in WINDOWS]
    for scope in get_args(Scope)
}
Limits = tuple[int, ...]
"""For each measure the hour's and the day's; 0: no limit."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """What one message adds."""

    recipients: int
    first: int
    messages: int = 1


class Counted(NamedTuple):
    """One counter with the message in it."""

    scope: Scope
    measure: str
    window: str
    limit: int
    total: int
    ends_at: datetime

    @property
    def is_over(self) -> bool:
        """Whether that is more than there may be."""
        return 0 < self.limit < self.total


class SubmissionLimitReached(Exception):
    """There is no room for the message before `counted.ends_at`. The text is a sentence for people."""

    def __init__(self, counted: Counted) -> None:
        whose = "This account" if counted.scope == "account" else "This domain"
        when = f"{counted.ends_at:%Y-%m-%d %H:%M} UTC"
        super().__init__(
            f"{whose} has sent to its limit of {counted.limit} {NAMES[counted.measure]} per {counted.window}; "
            f"try again after {when}"
        )
        self.counted = counted


def site_limits(scope: Scope) -> Limits:
    """What the settings say."""
    return tuple(int(getattr(settings, name)) for name in SETTINGS[scope])


def with_own(own: Sequence[int | None]) -> Limits:
    """An account's own limits, and the settings' where it has none."""
    return tuple(
        common if mine is None else mine for mine, common in zip(own, site_limits("account"), strict=True)
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """What one message adds to, and the limits of that."""

    counters: tuple[Counted, ...]
    additions: Additions

    @classmethod
    def of(
        cls,
        *,
        account_id: int,
        domain_id: int | None,
        limits: Limits,
        amounts: Amounts,
        network: str,
        now: datetime,
    ) -> "Asked":
        """network: where it comes from, as one of those of the account's day; "": from none."""
        hour = int(now.timestamp()) // HOUR_SECONDS
        day = hour * HOUR_SECONDS // DAY_SECONDS
        each = _counters(account_id, domain_id, limits, site_limits("domain"), hour)
        distinct = Distinct(f"networks:{account_id}:{day}", network, DAY_SECONDS) if network else None
        return cls(
            tuple(counter.empty for counter in each),
            Additions(
                tuple(
                    Addition(counter.key, getattr(amounts, counter.empty.measure), counter.window_seconds)
                    for counter in each
                ),
                distinct,
            ),
        )

    def counted(self, totals: Sequence[int]) -> list[Counted]:
        """Every counter as it is then. Raises SubmissionLimitReached: what was added is to be taken back."""
        counted = [
            Counted(each.scope, each.measure, each.window, each.limit, total, each.ends_at)
            for each, total in zip(self.counters, totals, strict=True)
        ]
        over = [each for each in counted if each.is_over]
        if over:
            raise SubmissionLimitReached(max(over, key=lambda each: each.ends_at))
        return counted


def count(asked: Asked) -> tuple[list[Counted], int]:
    """Counts a message; every counter as it is then, and from how many networks the account sent today.

    Raises SubmissionLimitReached, and then the message was not counted.
    """
    totals, networks = add_together(asked.additions)
    try:
        return asked.counted(totals), networks
    except SubmissionLimitReached:
        add_together(taken_back(asked.additions))
        raise


def taken_back(additions: Additions) -> Additions:
    """Who is refused tries again, and is not to push the limit before himself with every try."""
    return Additions(tuple(Addition(each.key, -each.by, each.window_seconds) for each in additions.each))


class _Counter(NamedTuple):
    """One that a message adds to; `empty` is it without the message."""

    empty: Counted
    key: str
    window_seconds: int


# Told once an hour: the names of a dozen counters took longer than counting.
@functools.lru_cache(maxsize=512)
def _counters(
    account_id: int, domain_id: int | None, limits: Limits, domain_limits: Limits, hour: int
) -> tuple[_Counter, ...]:
    """hour: the number of the clock's hour."""
    scopes: list[tuple[Scope, int, Limits]] = [("account", account_id, limits)]
    if domain_id is not None:
        scopes.append(("domain", domain_id, domain_limits))
    return tuple(
        _counter(scope, key, measure, window, seconds, limit, hour)
        for scope, key, scope_limits in scopes
        for (measure, (window, seconds)), limit in zip(product(MEASURES, WINDOWS), scope_limits, strict=True)
    )


def _counter(
    scope: Scope, key: int, measure: str, window: str, seconds: int, limit: int, hour: int
) -> _Counter:
    number = hour * HOUR_SECONDS // seconds
    ends_at = datetime.fromtimestamp((number + 1) * seconds, UTC)
    name = f"sent:{scope}:{key}:{measure}:{window}:{number}"
    return _Counter(Counted(scope, measure, window, limit, 0, ends_at), name, seconds)
