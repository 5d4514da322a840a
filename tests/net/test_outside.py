"""Asking programs that may be slow, away or out of their mind."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from mailhost.net.endpoints import connected
from mailhost.net.outside import FAILURES_IN_A_ROW, LEFT_ALONE_SECONDS, Away, Extend, Outside
from mailhost.net.posting import AnswerInvalid, HttpAnswer, post
from tests.support.checker_standins import Serve, endless, hanging_up, rspamd, saying, silent, standing_in


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def answers(_: Extend) -> str:
    return "yes"


def failing(error: Exception) -> Callable[[Extend], Awaitable[str]]:
    async def question(_: Extend) -> str:
        raise error

    return question


async def why(outside: Outside, question: Callable[[Extend], Awaitable[str]], *, seconds: float = 10) -> str:
    with pytest.raises(Away) as caught:
        await outside.ask(question, seconds=seconds)
    return str(caught.value)


def test_one_that_fails_again_and_again_is_left_alone_for_a_while() -> None:
    async def scenario() -> None:
        clock = Clock()
        outside = Outside("it", at_once=1, clock=clock)
        refused = failing(ConnectionRefusedError(111, "Connection refused"))
        for _ in range(FAILURES_IN_A_ROW):
            assert await why(outside, refused) == "It cannot be reached: Connection refused."
        assert await why(outside, answers) == "It did not answer a moment ago."
        clock.now += LEFT_ALONE_SECONDS
        assert await why(outside, failing(EOFError())) == "It hung up."
        assert await why(outside, answers) == "It did not answer a moment ago."
        clock.now += LEFT_ALONE_SECONDS
        assert await outside.ask(answers, seconds=10) == "yes"
        assert await outside.ask(answers, seconds=10) == "yes"

    asyncio.run(scenario())


def test_while_it_is_left_alone_one_question_finds_out_and_the_others_do_not_wait() -> None:
    async def scenario() -> None:
        clock = Clock()
        outside = Outside("it", at_once=5, clock=clock)
        for _ in range(FAILURES_IN_A_ROW):
            await why(outside, failing(EOFError()))
        clock.now += LEFT_ALONE_SECONDS
        gate = asyncio.Event()

        async def waits(_: Extend) -> str:
            await gate.wait()
            return "back"

        asking = asyncio.create_task(outside.ask(waits, seconds=10))
        await asyncio.sleep(0)
        assert await why(outside, answers) == "It did not answer a moment ago."
        gate.set()
        assert await asking == "back"
        assert await outside.ask(answers, seconds=10) == "yes"

    asyncio.run(scenario())


def test_single_failures_between_answers_are_no_reason_to_leave_it_alone() -> None:
    async def scenario() -> None:
        outside = Outside("it", at_once=1, clock=Clock())
        for _ in range(FAILURES_IN_A_ROW * 2):
            assert await why(outside, failing(ValueError("It raves."))) == "It raves."
            assert await outside.ask(answers, seconds=10) == "yes"

    asyncio.run(scenario())


def test_what_waits_for_its_turn_too_long_says_nothing_of_it() -> None:
    async def scenario() -> None:
        outside = Outside("it", at_once=1, clock=Clock())
        gate = asyncio.Event()

        async def waits(_: Extend) -> str:
            await gate.wait()
            return "done"

        first = asyncio.create_task(outside.ask(waits, seconds=10))
        await asyncio.sleep(0)
        for _ in range(FAILURES_IN_A_ROW + 1):
            assert await why(outside, answers, seconds=0.001) == "It is busy."
        gate.set()
        assert await first == "done"

    asyncio.run(scenario())


def test_who_says_that_it_is_at_work_has_more_time_but_not_for_ever() -> None:
    async def scenario() -> None:
        outside = Outside("it", at_once=1, clock=Clock())

        async def works(extend: Extend) -> str:
            while True:
                await asyncio.sleep(0.001)
                extend()

        with pytest.raises(Away, match=r"It did not answer in time\."):
            await outside.ask(works, seconds=0.05, longest_seconds=0.2)

    asyncio.run(scenario())


def posted(serve: Serve, *, content: bytes = b"hello") -> HttpAnswer:
    async def scenario() -> HttpAnswer:
        async with standing_in(serve) as server, connected(server.endpoint) as (reader, writer):
            return await post(
                reader,
                writer,
                target="/x",
                host="h.test",
                fields=[("IP", b"192.0.2.1")],
                content=content,
                max_answer_octets=1_000,
            )

    return asyncio.run(asyncio.wait_for(scenario(), 20))


def test_a_post_is_answered() -> None:
    content = b"x" * 1_000_000
    assert posted(rspamd(b"fine", status=b"404 No"), content=content) == HttpAnswer(404, b"fine")


CHUNK = b"10\r\n" + b"x" * 16 + b"\r\n"


@pytest.mark.parametrize(
    ("serve", "error"),
    [
        (saying(b"+OK hello\r\n\r\n"), AnswerInvalid),
        (endless(b"x" * 500), AnswerInvalid),
        (endless(b"X: y\r\n" * 50, start=b"HTTP/1.1 200 OK\r\n"), AnswerInvalid),
        (endless(CHUNK, start=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), AnswerInvalid),
        (endless(b"x" * 500, start=b"HTTP/1.0 200 OK\r\n\r\n"), AnswerInvalid),
        (hanging_up, OSError | EOFError | AnswerInvalid),
    ],
)
def test_an_answer_that_is_none_or_has_no_end_is_not_read_on(serve: Serve, error: type[Exception]) -> None:
    with pytest.raises(error.__args__ if hasattr(error, "__args__") else error):
        posted(serve)


def test_who_does_not_answer_is_waited_for_no_longer_than_it_has() -> None:
    async def scenario() -> None:
        async with standing_in(silent) as server:
            outside = Outside("it", at_once=1, clock=Clock())

            async def question(_: Extend) -> str:
                async with connected(server.endpoint) as (reader, _writer):
                    return (await reader.readexactly(1)).decode()

            assert await why(outside, question, seconds=0.05) == "It did not answer in time."

    asyncio.run(scenario())
