"""How much an account and its domain may submit in an hour and in a day, counted for all doors and processes together.

Windows are the clock's hours and days (UTC): so the moment at which there is room again is known without asking, and
can be told. Around the turn of a window twice as much may pass.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from django.conf import settings

from mailhost.net.counted_together import Addition, Additions, Distinct, add_together

HOUR_SECONDS: Final = 3_600
DAY_SECONDS: Final = 86_400
MEASURES: Final = ("messages", "recipients", "first")
WINDOWS: Final = (("hour", HOUR_SECONDS), ("day", DAY_SECONDS))
NAMES: Final = {"messages": "messages", "recipients": "recipients", "first": "first-time recipients"}

Scope = Literal["account", "domain"]
Limits = tuple[int, ...]
"""For each measure the hour's and the day's; 0: no limit."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """What one message adds."""

    recipients: int
    first: int
    messages: int = 1


@dataclass(frozen=True, slots=True)
class Counted:
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
    return tuple(
        int(getattr(settings, f"{scope}_{measure}_per_{window}".upper()))
        for measure in MEASURES
        for window, _ in WINDOWS
    )


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
        each = list(_counters(account_id, domain_id, limits, amounts, now))
        day = int(now.timestamp()) // DAY_SECONDS
        distinct = Distinct(f"networks:{account_id}:{day}", network, DAY_SECONDS) if network else None
        return cls(
            tuple(counted for counted, _ in each),
            Additions(tuple(addition for _, addition in each), distinct),
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


def _counters(
    account_id: int, domain_id: int | None, limits: Limits, amounts: Amounts, now: datetime
) -> Iterator[tuple[Counted, Addition]]:
    scopes: list[tuple[Scope, int, Limits]] = [("account", account_id, limits)]
    if domain_id is not None:
        scopes.append(("domain", domain_id, site_limits("domain")))
    for scope, key, scope_limits in scopes:
        each_limit = iter(scope_limits)
        for measure in MEASURES:
            for window, seconds in WINDOWS:
                number = int(now.timestamp()) // seconds
                ends_at = datetime.fromtimestamp((number + 1) * seconds, UTC)
                addition = Addition(
                    f"sent:{scope}:{key}:{measure}:{window}:{number}", getattr(amounts, measure), seconds
                )
                yield Counted(scope, measure, window, next(each_limit), 0, ends_at), addition
