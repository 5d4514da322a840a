"""Outcomes of many destinations in one transaction: one that cannot be written does not touch the others."""

import asyncio
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any
from uuid import UUID

import pytest

from delivery.queue.outcomes import Recorded
from delivery.queue.values import Claim, RecipientResult
from delivery.recorder import Recorder
from mailhost.net.store_threads import StoreThreads, StoreUnavailable
from tests.support.queueing import NOON
from tests.support.running import run

CLAIMS = [Claim(number, f"d{number}.test", UUID(int=number), 0) for number in range(3)]
Batches = list[list[str]]


def record_with(batches: Batches, *, bad: str = "", away: int = 0) -> Any:
    """Stands for outcomes.record."""

    def record(*, results: Mapping[Claim, Sequence[RecipientResult]], **_: Any) -> dict[Claim, Recorded]:
        batches.append([each.name for each in results])
        if len(batches) <= away:
            raise StoreUnavailable
        if bad in batches[-1]:
            raise ValueError(bad)
        return dict.fromkeys(results, Recorded(is_own=True))

    return record


def outcomes(monkeypatch: pytest.MonkeyPatch, record: Any) -> list[Any]:
    found: list[Any] = []

    async def scenario() -> None:
        threads = StoreThreads(1, "recorder test")
        recorder = Recorder(threads, lambda: NOON, Random(1))
        found.extend(
            await asyncio.gather(*(recorder.write(each, []) for each in CLAIMS), return_exceptions=True)
        )
        threads.close()

    monkeypatch.setattr("delivery.recorder.record", record)
    monkeypatch.setattr("delivery.recorder.AGAIN_SECONDS", 0.01)
    run(scenario())
    return found


def test_what_comes_together_is_written_together(monkeypatch: pytest.MonkeyPatch) -> None:
    batches: Batches = []
    assert outcomes(monkeypatch, record_with(batches)) == [Recorded(is_own=True)] * 3
    assert batches == [["d0.test", "d1.test", "d2.test"]]


def test_one_that_cannot_be_written_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    found = outcomes(monkeypatch, record_with([], bad="d1.test"))
    assert [type(each) for each in found] == [Recorded, ValueError, Recorded]


def test_a_database_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    batches: Batches = []
    assert outcomes(monkeypatch, record_with(batches, away=2)) == [Recorded(is_own=True)] * 3
    assert len(batches) == 3
