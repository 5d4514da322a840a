"""Complaints (RFC 5965) as delivery problems: whose provider's people marked what of whom as junk, and what to do."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

COMPLAINED_WITHIN: Final = timedelta(days=7)
MAX_SENDERS: Final = 5  # that are named with a group

MEANING: Final = "These people marked it as junk."
STEP: Final = (
    "Write only to who asked for it, and say in each message how to end it. Others will complain as well otherwise, "
    "and then your mail is refused, or goes to Junk unread."
)
ADMINISTRATORS_STEP: Final = (
    "Look at what these accounts send, and to whom: a mailing that nobody asked for, or an account that somebody else "
    "uses. Hold it until that is clear; who is complained about is soon on lists, and all of the host with them."
)


@dataclass(frozen=True, slots=True)
class Complained:
    """Some of one sender's mail that one provider's people complained about, and whether that is beyond doubt."""

    provider: str
    sender: str
    number: int
    is_certain: bool
    since: datetime
    latest: datetime


@dataclass(frozen=True, slots=True)
class Complaints:
    """Those of one provider's people within a week.

    count: beyond doubt. doubtful: what nobody vouches for (returns/vouching.py), which may be somebody's bad joke.
    since, latest: the first and the last. senders: whose mail it was, most first, with how many.
    """

    provider: str
    count: int
    doubtful: int
    since: datetime
    latest: datetime
    senders: tuple[tuple[str, int], ...]
    sender_count: int

    @property
    def meaning(self) -> str:
        """A sentence."""
        return MEANING

    @property
    def step(self) -> str:
        """What whoever sent it can do."""
        return STEP

    @property
    def administrators_step(self) -> str:
        """What whoever runs the host or the domain can do."""
        return ADMINISTRATORS_STEP

    @property
    def total(self) -> int:
        """With those that are in doubt."""
        return self.count + self.doubtful

    @property
    def more_senders(self) -> int:
        """How many are not named."""
        return self.sender_count - len(self.senders)


def complaints_of(those: Iterable[Complained]) -> tuple[Complaints, ...]:
    """By provider, those with most complaints first."""
    together: dict[str, list[Complained]] = defaultdict(list)
    for each in those:
        together[each.provider].append(each)
    groups = [_group(provider, complained) for provider, complained in together.items()]
    return tuple(sorted(groups, key=lambda each: (-each.count, -each.doubtful, each.provider)))


def _group(provider: str, complained: list[Complained]) -> Complaints:
    senders: Counter[str] = Counter()
    for each in complained:
        senders[each.sender] += each.number
    return Complaints(
        provider,
        sum(each.number for each in complained if each.is_certain),
        sum(each.number for each in complained if not each.is_certain),
        min(each.since for each in complained),
        max(each.latest for each in complained),
        tuple(senders.most_common(MAX_SENDERS)),
        len(senders),
    )
