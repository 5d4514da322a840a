"""Puts questions to the database together: what comes in while one answer is on its way goes into the next.

No timer: a single question waits for nothing, and many share one hop, one statement, one commit.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import psycopg
from django.db import DatabaseError

from mailhost.net.store_threads import StoreUnavailable

TURNS_OF_THE_LOOP = 8

Question = TypeVar("Question")
Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Waiting(Generic[Question, Answer]):
    question: Question
    future: asyncio.Future[Answer]


class Batcher(Generic[Question, Answer]):
    """Answers the questions of one process, batch after batch.

    `work` gets the questions of a batch and gives an answer or an exception for each, in order. `weigh` and
    `max_weight` bound a batch; a question heavier than that goes alone. `turns` of the loop are let go by before each.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Question]], Awaitable[Sequence[Answer | Exception]]],
        *,
        max_weight: int,
        weigh: Callable[[Question], int] = lambda _: 1,
        turns: int = TURNS_OF_THE_LOOP,
    ) -> None:
        self._work = work
        self._weigh = weigh
        self._max_weight = max_weight
        self._turns = turns
        self._waiting: deque[_Waiting[Question, Answer]] = deque()
        self._answering: asyncio.Task[None] | None = None
        self._is_closed = False

    async def ask(self, question: Question) -> Answer:
        """The answer. Raises what the work gives for this question; StoreUnavailable once it is closed."""
        if self._is_closed:
            raise StoreUnavailable("this process is shutting down")
        loop = asyncio.get_running_loop()
        waiting: _Waiting[Question, Answer] = _Waiting(question, loop.create_future())
        self._waiting.append(waiting)
        if self._answering is None:
            self._answering = loop.create_task(self._answer_all())
        return await waiting.future

    async def close(self) -> None:
        """Ends once everything that waits is answered, and takes no more."""
        self._is_closed = True
        if self._answering is not None:
            await self._answering

    async def _answer_all(self) -> None:
        try:
            while self._waiting:
                # What other sessions have at hand in the sockets joins this batch: fewer, larger ones give a
                # quarter more messages a second at 10 sessions.
                for _ in range(self._turns):
                    await asyncio.sleep(0)
                if batch := self._next_batch():
                    await self._answer(batch)
        finally:
            self._answering = None

    def _next_batch(self) -> list[_Waiting[Question, Answer]]:
        """Without questions of sessions that were cancelled before their turn: nobody would take the answer."""
        batch: list[_Waiting[Question, Answer]] = []
        weight = 0
        while self._waiting:
            if self._waiting[0].future.done():
                self._waiting.popleft()
                continue
            weight += self._weigh(self._waiting[0].question)
            if batch and weight > self._max_weight:
                break
            batch.append(self._waiting.popleft())
        return batch

    async def _answer(self, batch: list[_Waiting[Question, Answer]]) -> None:
        answers: Sequence[Answer | Exception]
        try:
            answers = await self._work([waiting.question for waiting in batch])
        except (DatabaseError, psycopg.DatabaseError) as error:
            if len(batch) > 1:  # one row of the batch is bad: each again by itself
                for waiting in batch:
                    await self._answer([waiting])
                return
            answers = [error]
        except Exception as error:  # whoever waits is told, whatever it was
            answers = [error] * len(batch)
        for waiting, answer in zip(batch, answers, strict=True):
            if waiting.future.done():  # the session was cancelled meanwhile
                continue
            if isinstance(answer, Exception):
                waiting.future.set_exception(answer)
            else:
                waiting.future.set_result(answer)
