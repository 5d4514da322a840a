"""What agrees is counted together in memory, so that a busy minute is a few rows to write."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Generic, Protocol, TypeVar

H = TypeVar("H")
R = TypeVar("R", bound=Hashable)
H_co = TypeVar("H_co", covariant=True)
R_co = TypeVar("R_co", bound=Hashable, covariant=True)

# Of one process, until they are written: 2 MB, or 40 where each has as many signatures, or as long a policy, as are
# looked at, with names as long as DNS has them. Only who makes up names for every message gets there, or a database
# that is away.
MAX_ROWS: Final = 5_000


class Seen(Protocol[H_co, R_co]):
    """One that counts. day: UTC's; domain: who is told; head: of the whole report; row: what must agree."""

    @property
    def day(self) -> date: ...

    @property
    def domain(self) -> str: ...

    @property
    def head(self) -> H_co: ...

    @property
    def row(self) -> R_co: ...


@dataclass(slots=True)
class Counted(Generic[H, R]):
    """One day of one domain. rows: how many of each kind; left_out: those without a row."""

    day: date
    domain: str
    head: H
    rows: dict[R, int] = field(default_factory=dict)
    left_out: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.rows.values()) + self.left_out


class Tally(Generic[H, R]):
    """Counts up to a number of different rows; what is beyond is counted without one, or (of new domains) not."""

    def __init__(self, *, max_rows: int = MAX_ROWS) -> None:
        self._max_rows = max_rows
        self._row_count = 0
        self._counted: dict[tuple[date, str], Counted[H, R]] = {}

    def __bool__(self) -> bool:
        return bool(self._counted)

    def add(self, seen: Seen[H, R]) -> None:
        """Counts one. The head that was seen last is the one that is reported (RFC 9990 has it so for policies)."""
        counted = self._of(seen.day, seen.domain, seen.head)
        if counted is not None:
            counted.head = seen.head
            self._count(counted, seen.row, 1)

    def take(self) -> list[Counted[H, R]]:
        """All that was counted; the tally is empty then."""
        taken, self._counted, self._row_count = list(self._counted.values()), {}, 0
        return taken

    def put_back(self, counted: Iterable[Counted[H, R]]) -> None:
        """What could not be written is counted with what came since."""
        for each in counted:
            target = self._of(each.day, each.domain, each.head)
            if target is not None:
                target.left_out += each.left_out
                for row, count in each.rows.items():
                    self._count(target, row, count)

    def _of(self, day: date, domain: str, head: H) -> Counted[H, R] | None:
        key = (day, domain)
        counted = self._counted.get(key)
        if counted is None and len(self._counted) < self._max_rows:
            counted = self._counted[key] = Counted(day, domain, head)
        return counted

    def _count(self, counted: Counted[H, R], row: R, count: int) -> None:
        if row in counted.rows:
            counted.rows[row] += count
        elif self._row_count < self._max_rows:
            counted.rows[row] = count
            self._row_count += 1
        else:
            counted.left_out += count
