"""Listening, limits, and the end of all sessions."""

import asyncio
import ipaddress
import socket
from collections.abc import Iterator

import pytest

from mailhost.net.binding import CannotListen, PortTaken, bind
from mailhost.net.connection import Connection
from mailhost.net.connection_limits import ConnectionLimits
from mailhost.net.listeners import listen
from mailhost.net.stream.interruptions import ShuttingDown
from tests.support.running import run


class Told:
    """A log that remembers its errors."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def error(self, event: str, **_: object) -> None:
        self.errors.append(event)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port_is_named(taken: int) -> None:
    with pytest.raises(PortTaken, match=f"Port {taken} on 127.0.0.1 is taken"):
        bind("127.0.0.1", taken)


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(CannotListen, match=r"Cannot listen on port 0 of 192\.0\.2\.1"):
        bind("192.0.2.1", 0)


def test_processes_of_ours_share_a_port() -> None:
    with bind("127.0.0.1", 0) as first, bind("127.0.0.1", first.getsockname()[1]) as second:
        assert second.getsockname() == first.getsockname()


def test_limits_count_in_all_and_for_each_address() -> None:
    limits = ConnectionLimits(total=3, per_address=2, trusted=[ipaddress.ip_network("192.0.2.0/24")])
    assert limits.admit("198.51.100.1")
    assert limits.admit("::ffff:198.51.100.1")
    assert not limits.admit("198.51.100.1")
    assert limits.admit("2001:db8:1:1::1")
    assert not limits.admit("2001:db8:1:1::2")
    assert limits.admit("192.0.2.7")  # trusted
    limits.release("198.51.100.1")
    limits.release("192.0.2.7")
    assert limits.admit("2001:db8:1:1::2")
    limits.release("2001:db8:1:1::1")
    limits.release("2001:db8:1:1::2")
    limits.release("198.51.100.1")
    assert not limits.by_address


def test_one_connection_too_many_is_told_so_and_makes_room_when_it_goes() -> None:
    async def scenario() -> None:
        async def serve(connection: Connection) -> None:
            connection.write(b"hello\r\n")
            await connection.read_line(limit=10, timeout=5)

        limits = ConnectionLimits(total=10, per_address=1)
        listener = await listen(host="127.0.0.1", port=0, serve=serve, limits=limits, refusal=b"too many\r\n")
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        assert await reader.readline() == b"hello\r\n"
        second, second_writer = await asyncio.open_connection("127.0.0.1", listener.port)
        assert await second.read() == b"too many\r\n"
        second_writer.close()
        writer.write(b"QUIT\r\n")
        assert await reader.read() == b""
        writer.close()
        third, third_writer = await asyncio.open_connection("127.0.0.1", listener.port)
        assert await third.readline() == b"hello\r\n"
        third_writer.close()
        await listener.close(grace=1)
        assert not limits.by_address

    run(scenario())


def test_sessions_are_told_of_the_end_and_those_that_do_not_hear_are_cut_off() -> None:
    async def scenario() -> None:
        async def serve(connection: Connection) -> None:
            mood = await connection.read_line(limit=10, timeout=5)
            connection.write(b"ok\r\n")
            try:
                await connection.read_line(limit=10, timeout=60)
            except ShuttingDown:
                connection.write(b"* BYE\r\n")
                if mood == b"deaf":
                    await asyncio.Event().wait()

        limits = ConnectionLimits(total=10, per_address=10)
        listener = await listen(host="127.0.0.1", port=0, serve=serve, limits=limits)
        polite, polite_writer = await asyncio.open_connection("127.0.0.1", listener.port)
        deaf, deaf_writer = await asyncio.open_connection("127.0.0.1", listener.port)
        polite_writer.write(b"polite\r\n")
        deaf_writer.write(b"deaf\r\n")
        assert await polite.readline() == await deaf.readline() == b"ok\r\n"
        await listener.close(grace=0.2)
        assert await polite.read() == b"* BYE\r\n"
        assert await deaf.read() == b"* BYE\r\n"  # and the end
        assert not limits.by_address
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", polite_writer.get_extra_info("peername")[1])
        polite_writer.close()
        deaf_writer.close()

    run(scenario())


def test_a_session_that_fails_takes_no_other_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told()
    monkeypatch.setattr("mailhost.net.listeners.log", told)

    async def scenario() -> None:
        async def serve(connection: Connection) -> None:
            connection.write(b"%d\r\n" % (1 // int(await connection.read_line(limit=10, timeout=5))))

        limits = ConnectionLimits(total=10, per_address=10)
        listener = await listen(host="127.0.0.1", port=0, serve=serve, limits=limits)
        for number, answer in ((b"0\r\n", b""), (b"1\r\n", b"1\r\n")):
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(number)
            assert await reader.read() == answer
            writer.close()
        await listener.close(grace=1)

    run(scenario())
    assert told.errors == ["session failed"]
