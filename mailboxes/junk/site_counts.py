"""What all accounts have taught together, in the memory of a process: sorted arrays, 20 octets a token.

The statement that asks Postgres for the counts of a message's thousand tokens takes its backend milliseconds, for every
message that comes in. Here it is one search in an array. A process reads what has changed every few seconds.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from mailboxes.junk.classifier import NONE_LEARNED, Knowledge, Totals
from mailboxes.models import SITE
from mailhost.net.database import cursor, snapshot
from mailhost.net.store_threads import StoreUnavailable, in_store

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 5.0
REST: Final = 20  # times what the last look took: a busy site is looked at less often
MAX_TOKENS_KEPT: Final = 8_000_000  # 160 MB; of more than that those that were seen last

TOTALS = "SELECT junk, wanted, current_date - 1 FROM mailboxes_junktotal WHERE scope = 0"
# The rows of the site have an index of their own (seen_on WHERE scope = 0).
COUNTS = f"""
COPY (SELECT token, junk, wanted FROM mailboxes_junkcount
       WHERE scope = {SITE} AND seen_on >= '%s' ORDER BY seen_on DESC LIMIT {MAX_TOKENS_KEPT})
  TO STDOUT (FORMAT binary)"""
EVER: Final = date(2000, 1, 1)
# A row of COPY's binary form: how many columns, and each with its length. The head before is 19 octets, the end 2.
ROW: Final = np.dtype(
    [
        ("columns", ">i2"),
        ("token_octets", ">i4"),
        ("token", ">i8"),
        ("junk_octets", ">i4"),
        ("junk", ">i4"),
        ("wanted_octets", ">i4"),
        ("wanted", ">i4"),
    ]
)
HEAD_OCTETS: Final = 19
END_OCTETS: Final = 2
NO_TOKENS: Final = np.zeros(0, np.int64)
NO_COUNTS: Final = np.zeros(0, np.int32)
STEPS: Final = tuple(np.int32(step) for step in (4, 2, 1))  # so eight places are halved


class Counts:
    """By token, sorted by its hash.

    Hashes are evenly spread, so that their first bits tell within a few places where each stands. Those few are halved
    for all hashes of a message at once; a search that begins with the whole array waits for memory most of its time.
    """

    def __init__(
        self,
        tokens: NDArray[np.int64] = NO_TOKENS,
        junk: NDArray[np.int32] = NO_COUNTS,
        wanted: NDArray[np.int32] = NO_COUNTS,
    ) -> None:
        self.tokens = tokens
        # Junk and wanted beside each other, taken out as one number.
        self._counts = np.column_stack((junk, wanted)).astype(np.int32, copy=False).view(np.int64).ravel()
        bits = max(1, len(tokens).bit_length() - 1)  # one or two tokens for each beginning
        self._shift = 64 - bits
        self._half = 1 << (bits - 1)
        beginnings = np.arange(-self._half, self._half, dtype=np.int64) << self._shift
        self._starts = tokens.searchsorted(beginnings).astype(np.int32)

    def put_into(self, counts: NDArray[np.int64], hashes: NDArray[np.int64]) -> None:
        """Sets the counts of those that are here, junk in the first row and wanted in the second."""
        if not len(self.tokens):
            return
        places = self._starts.take((hashes >> self._shift) + self._half)
        for step in STEPS:
            places += (self.tokens.take(places + (step - 1), mode="clip") < hashes) * step
        there = self.tokens.take(places, mode="clip")
        crowded = (there < hashes).nonzero()[
            0
        ]  # more tokens begin like it than were halved; or it is behind the last
        if len(crowded):
            places[crowded] = self.tokens.searchsorted(hashes[crowded])
            there = self.tokens.take(places, mode="clip")
        known = (there == hashes).nonzero()[0]
        places = places[known]
        counts[:, known] = self._counts.take(places, mode="clip").view(np.int32).reshape(-1, 2).T


class SiteCounts:
    """Everything as of some day, and what has changed since the one before.

    What a sweep forgets stays until the next day: tokens of one message, not seen for months.
    """

    def __init__(self) -> None:
        self.totals = NONE_LEARNED
        self._day = EVER
        self._base = Counts()
        self._recent = Counts()

    def knowledge(self, hashes: NDArray[np.int64]) -> Knowledge:
        """What is known of these."""
        counts = np.zeros((2, len(hashes)), np.int64)
        self._base.put_into(counts, hashes)
        self._recent.put_into(counts, hashes)
        return Knowledge(self.totals, *counts)

    def look(self) -> None:
        """Reads what has changed, in one moment of the database. Raises DatabaseError."""
        with snapshot(), cursor() as sql:
            row = sql.execute(TOTALS).fetchone()
            if row is None:
                self.totals, self._base, self._recent = NONE_LEARNED, Counts(), Counts()
                return
            *learned, yesterday = row  # clocks of several machines do not agree on when a day begins
            if tuple(learned) == self.totals and yesterday == self._day:
                return
            if yesterday != self._day:
                self._base, self._recent = _read(EVER), Counts()
                self._day = yesterday
            else:
                self._recent = _read(yesterday)
            self.totals = Totals(*learned)


def _read(since: date) -> Counts:
    with cursor() as sql, sql.copy(COUNTS % since.isoformat()) as copy:
        octets = b"".join(copy)
    rows = np.frombuffer(octets, ROW, (len(octets) - HEAD_OCTETS - END_OCTETS) // ROW.itemsize, HEAD_OCTETS)
    rows = rows[np.argsort(rows["token"])]
    return Counts(
        rows["token"].astype(np.int64), rows["junk"].astype(np.int32), rows["wanted"].astype(np.int32)
    )


@asynccontextmanager
async def following_site() -> AsyncIterator[SiteCounts]:
    """The counts, looked at again and again while the block runs. While the database is away they stay as they are."""
    counts = SiteCounts()
    looking = asyncio.create_task(_look_again_and_again(counts), name="junk counts of the site")
    try:
        yield counts
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


async def _look_again_and_again(counts: SiteCounts) -> None:
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        try:
            await in_store(counts.look)
        except StoreUnavailable:
            log.info("junk counts wait: the database is away")
        await asyncio.sleep(max(LOOK_SECONDS, REST * (loop.time() - began)))
