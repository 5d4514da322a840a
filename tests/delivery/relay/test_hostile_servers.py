"""Servers that mean harm or are broken: each look at one ends, in bounded time and memory, with words for the trace."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from delivery.relay.connection import RFC_TIMEOUTS, ConnectFailed, Timeouts, open_connection
from delivery.relay.content import CHUNK_OCTETS
from delivery.relay.next_hops import NextHop
from delivery.relay.outcome import Deferred, Outcome
from delivery.relay.transaction import NothingBegun, Recipient, Transaction, send
from delivery.relay.wire import MAX_UNREAD_REPLIES, Wire, WireLost
from mailhost.protocols.smtp.client import encode_data
from tests.support.running import run

SHORT = Timeouts(connect=2, greeting=0.3, command=0.3, data=0.3, block=0.3, final_dot=0.3, quit=0.2)
TEXT = b"Subject: x\r\n\r\nhello\r\n"
Server = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[NextHop]:
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await server(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield NextHop("mx.far.test", "127.0.0.1", listening.sockets[0].getsockname()[1])
    finally:
        listening.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def drip(writer: asyncio.StreamWriter) -> None:
    """An octet at a time, each well within the time-out, and never a whole line."""
    while True:
        writer.write(b"2")
        await asyncio.sleep(0.05)


async def flood(writer: asyncio.StreamWriter, octets: bytes) -> None:
    while True:
        writer.write(octets)
        await writer.drain()


def at(stage: int, act: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> Server:
    """Behaves until so many lines have come (0: before the greeting), then does this."""

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        replies = [b"220 hi", b"250 mx.far.test", b"250 ok", b"250 ok", b"354 go"]
        for reply in replies[:stage]:
            writer.write(reply + b"\r\n")
            await reader.readline()
        await act(writer)

    return server


async def garbage(writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\xff HTTP/1.1 400 Bad Request\r\n")
    await asyncio.Event().wait()


async def megabytes(writer: asyncio.StreamWriter) -> None:
    await flood(writer, b"2" * 65536)


async def endless_reply(writer: asyncio.StreamWriter) -> None:
    await flood(writer, b"250-more\r\n" * 1000)


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def closing(writer: asyncio.StreamWriter) -> None:
    writer.write(b"421 4.3.2 closing\r\n")


async def wrong_codes(writer: asyncio.StreamWriter) -> None:
    writer.write(b"250-one\r\n450 two\r\n")
    await asyncio.Event().wait()


ACTS = [garbage, megabytes, endless_reply, drip, close, reset, closing, wrong_codes]


async def outcome_of(hop: NextHop) -> Outcome:
    try:
        connection = await open_connection(hop, own_name="mail.example.test", timeouts=SHORT)
        transaction = Transaction(
            "alice@example.test", [Recipient("bob@far.test")], encode_data(TEXT), len(TEXT)
        )
        outcomes = await send(connection, transaction)
        await connection.quit()
    except ConnectFailed as failed:
        return failed.outcome
    except NothingBegun as lost:
        return lost.outcome
    return outcomes[0]


@pytest.mark.parametrize("stage", range(6))
@pytest.mark.parametrize("act", ACTS)
def test_each_mischief_at_each_stage_ends_in_a_deferral_with_words(
    stage: int, act: Callable[[asyncio.StreamWriter], Awaitable[None]]
) -> None:
    async def scenario() -> None:
        async with serving(at(stage, act)) as hop, asyncio.timeout(5):
            outcome = await outcome_of(hop)
            assert isinstance(outcome, Deferred)
            assert len(outcome.reply) > 10
            assert len(outcome.reply) < 1100
            assert outcome.peer.address == "127.0.0.1"

    run(scenario())


def test_replies_that_nobody_asked_for_are_not_kept_for_ever() -> None:
    async def scenario() -> None:
        wire = Wire()
        wire.data_received(b"250 ok\r\n" * MAX_UNREAD_REPLIES)
        assert (wire.is_open, len(wire.unread)) == (True, MAX_UNREAD_REPLIES)
        wire.data_received(b"250 ok\r\n")
        assert len(wire.unread) == 0
        with pytest.raises(WireLost, match="much that it was not asked for"):
            await wire.reply(seconds=1)

    run(scenario())


PATIENT = replace(SHORT, command=2, data=2, block=2, final_dot=2)  # for each step
MANY = [Recipient(f"r{number}@far.test") for number in range(100)]


def slow_to(commands: tuple[bytes, ...], said: list[bytes], *, extensions: bytes) -> Server:
    """Answers these a little late, each within its time-out."""

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                writer.write(b"250-mx.far.test\r\n250 %b\r\n" % extensions)
                continue
            if verb == b"BDAT":
                await reader.readexactly(int(line.split()[1]))
            if verb in commands:
                await asyncio.sleep(0.1)
            said.append(verb)
            writer.write(b"354 go\r\n" if verb == b"DATA" else b"250 ok\r\n")

    return server


@pytest.mark.parametrize("extensions", [b"PIPELINING", b"HELP"])
def test_a_server_that_takes_its_time_over_each_recipient_has_so_much_for_all(extensions: bytes) -> None:
    async def scenario() -> None:
        said: list[bytes] = []
        server = slow_to((b"RCPT",), said, extensions=extensions)
        async with serving(server) as hop:
            connection = await open_connection(
                hop, own_name="mail.example.test", timeouts=replace(PATIENT, envelope=0.5)
            )
            outcomes = await send(connection, Transaction("a@b.test", MANY, encode_data(TEXT), len(TEXT)))
            assert {type(each) for each in outcomes} == {Deferred}
            assert len(outcomes) == len(MANY)
            assert said.count(b"RCPT") < 20
            assert not connection.is_usable

    run(scenario())


def test_a_server_that_reads_slowly_has_so_much_time_for_the_whole_message() -> None:
    """Some octets each moment, so that no block takes long; most of it is still to be sent when it ends."""

    async def scenario() -> None:
        read = 0

        async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal read
            for reply in (b"220 hi", b"250 mx.far.test", b"250 ok", b"250 ok"):
                writer.write(reply + b"\r\n")
                await reader.readline()
            writer.write(b"354 go\r\n")
            while octets := await reader.read(64 * 1024):
                read += len(octets)
                await asyncio.sleep(0.01)

        async with serving(server) as hop:
            connection = await open_connection(
                hop, own_name="mail.example.test", timeouts=replace(PATIENT, content=0.3)
            )
            data = encode_data(b"x" * 100_000_000)
            [outcome] = await send(
                connection, Transaction("a@b.test", [Recipient("bob@far.test")], data, len(data))
            )
            assert isinstance(outcome, Deferred)
            assert "did not take what was sent in time" in outcome.reply
            assert "may arrive twice" not in outcome.reply
            assert read < len(data)

    run(scenario())


def test_a_server_that_is_slow_with_each_chunk_has_so_much_time_for_the_whole_message() -> None:
    async def scenario() -> None:
        said: list[bytes] = []
        server = slow_to((b"BDAT",), said, extensions=b"CHUNKING")
        async with serving(server) as hop:
            connection = await open_connection(
                hop, own_name="mail.example.test", timeouts=replace(PATIENT, content=0.5)
            )
            data = b"x" * (100 * CHUNK_OCTETS)
            [outcome] = await send(
                connection,
                Transaction("a@b.test", [Recipient("bob@far.test")], data, len(data), is_chunked=True),
            )
            assert isinstance(outcome, Deferred)
            assert said.count(b"BDAT") < 20

    run(scenario())


def test_the_time_for_a_message_grows_with_it_and_ends_somewhere() -> None:
    assert RFC_TIMEOUTS.content_seconds(0) == RFC_TIMEOUTS.block
    assert RFC_TIMEOUTS.content_seconds(1 << 20) == RFC_TIMEOUTS.block + 1024
    assert RFC_TIMEOUTS.content_seconds(1 << 30) == RFC_TIMEOUTS.content
