"""The cut of the octets does not matter, memory is bounded, and the private attributes that this rests on are there.

The session runs on a transport in memory, so that each block arrives by itself.
"""

import asyncio
import inspect
import itertools
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, NoReturn

import aiosmtpd.smtp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.acceptance import Acceptance, Accepted
from delivery.routing import Route
from delivery.smtp.connection import SmtpConnection
from delivery.smtp.conversation import converse
from delivery.smtp.session import Door, Host, Session
from mailhost.net.stream.bounds import READ_HIGH_WATER
from mailhost.net.stream.interruptions import ConnectionLost
from tests.support.examples import examples


class MemoryTransport(asyncio.Transport):
    """Remembers what is written; says whether reading is paused."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.7", 1), "sockname": ("192.0.2.1", 25)})
        self.written = bytearray()
        self.is_paused = self.is_closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    def is_closing(self) -> bool:
        return self.is_closed

    def abort(self) -> None:
        self.is_closed = True


async def route_to_account_7(**_: object) -> Route:
    await asyncio.sleep(0)
    return Route((7,))


async def nobody_asks(**_: object) -> NoReturn:
    raise AssertionError("port 25 has no senders of its own")


class Running:
    """A session on a transport in memory, and the messages it took."""

    def __init__(self, door: Door = Door.INBOUND) -> None:
        self.messages: list[bytes] = []
        self.transport = MemoryTransport()
        self.connection = SmtpConnection()
        self.connection.connection_made(self.transport)
        host = Host(
            name="mx.example.test",
            tls=None,
            accept=self.accept,
            route=route_to_account_7,
            may_send_as=nobody_asks,
            admit=nobody_asks,
            sign_in=nobody_asks,
            clock=lambda: datetime(2026, 1, 1, tzinfo=UTC),
            new_trace_id=lambda: "ab12",
        )
        self.session = Session(self.connection, door, host)
        self.task = asyncio.get_running_loop().create_task(converse(self.session))

    async def accept(self, acceptance: Acceptance) -> Accepted:
        await asyncio.sleep(0)
        self.messages.append(acceptance.octets)
        return Accepted(1, {}, None)

    async def feed(self, block: bytes) -> None:
        if not self.task.done():
            self.connection.data_received(block)
        for _ in range(4):
            await asyncio.sleep(0)

    async def end(self) -> None:
        self.connection.eof_received()
        try:
            await self.task
        except ConnectionLost:
            pass


async def play(blocks: list[bytes]) -> tuple[bytes, list[bytes]]:
    """(all replies, all messages taken)."""
    running = Running()
    await asyncio.sleep(0)
    for block in blocks:
        await running.feed(block)
    await running.end()
    assert running.session.host.held_octets == 0
    return bytes(running.transport.written), running.messages


def replies_to(blocks: list[bytes]) -> tuple[bytes, list[bytes]]:
    return asyncio.run(play(blocks))


@pytest.fixture(autouse=True)
def no_store() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("delivery.smtp.commands.mail.has_room", lambda: True)
        yield


CONVERSATION = (
    b"EHLO a.test\r\nNOOP\r\nMAIL FROM:<a@b.test> SIZE=5\r\nRCPT TO:<c@d.test>\r\nRCPT TO:<e@f.test>\r\nDATA\r\n"
    b".\r\n"
    b"MAIL FROM:<>\nRCPT TO:<c@d.test>\nDATA\n"
    b"Subject: x\r\n\r\n..\r\n.y\r\n\n.\n\r.\r\r\n.\n\r\n.\r\n"
    b"BOGUS\r\n\0\r\n" + b"x" * 600 + b"\r\nRSET\r\nMAIL FROM:<a@b>\r\nDATA\r\nQUIT\r\nNOOP\r\n"
)
WHOLE: list[tuple[bytes, list[bytes]]] = []


def expected() -> tuple[bytes, list[bytes]]:
    if not WHOLE:
        WHOLE.append(replies_to([CONVERSATION]))
    return WHOLE[0]


def test_the_conversation_is_what_it_should_be() -> None:
    replies, messages = expected()
    codes = [line[:3] for line in replies.splitlines() if line[3:4] == b" "]
    assert b" ".join(codes) == (
        b"220 250 250 250 250 250 354 250 250 250 354 250 500 500 500 250 250 503 221"
    )
    assert messages[1].endswith(b"Subject: x\r\n\r\n.\r\ny\r\n\n.\n\r.\r\r\n\n\r\n")


def test_octet_by_octet() -> None:
    assert replies_to([CONVERSATION[i : i + 1] for i in range(len(CONVERSATION))]) == expected()


@examples(60)
@given(st.lists(st.integers(0, len(CONVERSATION)), max_size=12))
def test_cut_anywhere(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(CONVERSATION)]
    assert replies_to([CONVERSATION[start:end] for start, end in itertools.pairwise(edges)]) == expected()


@examples(100)
@given(st.lists(st.one_of(st.binary(max_size=30), st.sampled_from(CONVERSATION.splitlines(keepends=True)))))
def test_any_octets_get_replies(blocks: list[bytes]) -> None:
    replies, _ = replies_to([b"EHLO a\r\n", *blocks])
    for line in replies.splitlines(keepends=True):
        assert line.endswith(b"\r\n")
        assert line[:3].isdigit()
        assert line[3:4] in {b" ", b"-"}
        assert len(line) <= 512


def test_reading_pauses_while_the_session_is_busy() -> None:
    async def check() -> None:
        running = Running()
        release = asyncio.Event()

        async def slow(acceptance: Acceptance) -> Accepted:
            await release.wait()
            return Accepted(1, {}, None)

        running.session.host.accept = slow
        await running.feed(b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.test>\r\nDATA\r\nS: x\r\n.\r\n")
        await running.feed(b"")
        await running.feed(b"NOOP\r\n" * (READ_HIGH_WATER // 6 + 1))
        assert running.transport.is_paused
        release.set()
        await running.end()

    asyncio.run(check())


def test_what_the_reader_rests_on_is_there() -> None:
    """The block reader uses private attributes: look again before these are raised."""
    assert version("aiosmtpd") == "1.4.6"
    assert issubclass(SmtpConnection, aiosmtpd.smtp.SMTP)
    source = inspect.getsource(asyncio.StreamReader)
    for name in ("_buffer", "_eof", "_paused", "_transport", "_waiter"):
        assert f"self.{name}" in source
    for name in ("_wait_for_data", "_wakeup_waiter", "_maybe_resume_transport"):
        assert callable(getattr(asyncio.StreamReader, name))
