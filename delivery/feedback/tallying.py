"""Messages that agree are counted together in memory, so that a busy minute is a few rows to write."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from delivery.feedback.observing import Observation
from mailhost.protocols.dmarc.aggregate_reports import PublishedPolicy, Row
from mailhost.protocols.dmarc.record import ReportUri

# Of one process, until they are written: 2 MB, or 40 where each has as many signatures as are looked at, with names as
# long as DNS has them. Only who makes up names for every message gets there, or a database that is away.
MAX_ROWS: Final = 5_000


@dataclass(slots=True)
class Counted:
    """What came in one domain's name on one day. rows: how many messages each; left_out: messages without a row."""

    day: date
    policy: PublishedPolicy
    uris: tuple[ReportUri, ...]
    rows: dict[Row, int] = field(default_factory=dict)
    left_out: int = 0

    @property
    def message_count(self) -> int:
        """All of them."""
        return sum(self.rows.values()) + self.left_out


class Tally:
    """Counts up to a number of different rows; what is beyond is counted without one, or (of new domains) not."""

    def __init__(self, *, max_rows: int = MAX_ROWS) -> None:
        self._max_rows = max_rows
        self._row_count = 0
        self._counted: dict[tuple[date, str], Counted] = {}

    def __bool__(self) -> bool:
        return bool(self._counted)

    def add(self, observation: Observation) -> None:
        """Counts one message. The policy that was seen last is the one that is reported (RFC 9990)."""
        counted = self._of(observation.day, observation.policy, observation.uris)
        if counted is not None:
            counted.policy, counted.uris = observation.policy, observation.uris
            self._count(counted, observation.row, 1)

    def take(self) -> list[Counted]:
        """All that was counted; the tally is empty then."""
        taken, self._counted, self._row_count = list(self._counted.values()), {}, 0
        return taken

    def put_back(self, counted: Iterable[Counted]) -> None:
        """What could not be written is counted with what came since."""
        for each in counted:
            target = self._of(each.day, each.policy, each.uris)
            if target is not None:
                target.left_out += each.left_out
                for row, count in each.rows.items():
                    self._count(target, row, count)

    def _of(self, day: date, policy: PublishedPolicy, uris: tuple[ReportUri, ...]) -> Counted | None:
        key = (day, policy.domain)
        counted = self._counted.get(key)
        if counted is None and len(self._counted) < self._max_rows:
            counted = self._counted[key] = Counted(day, policy, uris)
        return counted

    def _count(self, counted: Counted, row: Row, count: int) -> None:
        if row in counted.rows:
            counted.rows[row] += count
        elif self._row_count < self._max_rows:
            counted.rows[row] = count
            self._row_count += 1
        else:
            counted.left_out += count
