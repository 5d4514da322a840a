"""Stand-ins for clamd, Rspamd and milters on loopback, which say what a test says, and those that behave badly.

async with standing_in(clamd(b"stream: OK\\0")) as server: … server.endpoint, server.asked …
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from mailhost.net.endpoints import Endpoint

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
AGREED: Final = (6).to_bytes(4, "big") + (0x31).to_bytes(4, "big")


@dataclass
class StandIn:
    """asked: what each connection has said that was whole. open_now, most_open: connections at once."""

    endpoint: Endpoint
    asked: list[bytes] = field(default_factory=list)
    connections: int = 0
    open_now: int = 0
    most_open: int = 0
    ended: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def rest(self) -> None:
        """Until no connection is open."""
        async with asyncio.timeout(10), self.ended:
            await self.ended.wait_for(lambda: not self.open_now)


Serve = Callable[[StandIn, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def standing_in(serve: Serve, *, path: str = "") -> AsyncIterator[StandIn]:
    """Serves for as long as the block runs, on a free port or at the path of a unix socket."""
    tasks: set[asyncio.Task[None]] = set()
    standing = StandIn(Endpoint())

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        standing.connections += 1
        standing.open_now += 1
        standing.most_open = max(standing.most_open, standing.open_now)
        try:
            await serve(standing, reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # hung up on, or the test is over
        finally:
            writer.close()
            async with standing.ended:
                standing.open_now -= 1
                standing.ended.notify_all()

    if path:
        server = await asyncio.start_unix_server(connected, path)
        standing.endpoint = Endpoint(path=path)
    else:
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        standing.endpoint = Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])
    try:
        yield standing
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def silent(_: StandIn, reader: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Takes everything, says nothing, until it is left."""
    while await reader.read(65_536):
        pass


async def deaf(_: StandIn, __: asyncio.StreamReader, ___: asyncio.StreamWriter) -> None:
    """Takes nothing and says nothing."""
    await asyncio.Event().wait()


async def hanging_up(_: StandIn, reader: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Goes away in the midst of it."""
    await reader.read(10)


def endless(piece: bytes, *, start: bytes = b"") -> Serve:
    """Answers, and does not stop answering."""

    async def serve(_: StandIn, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)
        writer.write(start)
        while True:
            writer.write(piece)
            await writer.drain()

    return serve


def saying(octets: bytes) -> Serve:
    """Says just that, whatever is asked."""

    async def serve(_: StandIn, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)
        writer.write(octets)
        await writer.drain()
        await silent(_, reader, writer)

    return serve


def clamd(reply: bytes, *, max_octets: int = 1 << 30) -> Serve:
    """Reads a stream and says this; of one that is too long it reads no more than that."""

    async def serve(standing: StandIn, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
        octets = bytearray()
        while length := int.from_bytes(await reader.readexactly(4), "big"):
            if len(octets) + length > max_octets:
                writer.write(b"INSTREAM size limit exceeded. ERROR\0")
                await writer.drain()
                return
            octets += await reader.readexactly(length)
        standing.asked.append(bytes(octets))
        writer.write(reply)
        await writer.drain()

    return serve


def rspamd(answer: bytes, *, status: bytes = b"200 OK") -> Serve:
    """Reads a request and answers it with that JSON."""

    async def serve(standing: StandIn, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        [length] = [
            int(line.partition(b":")[2])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        ]
        standing.asked.append(head + await reader.readexactly(length))
        writer.write(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(answer), answer))
        await writer.drain()

    return serve


def packet(letter: bytes, content: bytes = b"") -> bytes:
    """As a milter sends it."""
    return (len(content) + 1).to_bytes(4, "big") + letter + content


def milter(answers: Mapping[bytes, bytes] | None = None, *, steps: int = 0, agreed: bytes = AGREED) -> Serve:
    """Answers each command by its letter (or by letter and beginning, such as b"R<bob@"); else "continue"."""
    said = answers or {}

    async def serve(standing: StandIn, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard = bytearray()
        while True:
            length = int.from_bytes(await reader.readexactly(4), "big")
            command = await reader.readexactly(length)
            if command[:1] == b"O":
                writer.write(packet(b"O", agreed + steps.to_bytes(4, "big")))
                continue
            heard += command + b"\n"
            if command[:1] == b"Q":
                standing.asked.append(bytes(heard))
                return
            if command[:1] != b"D":
                fitting = [each for each in said if command.startswith(each)]
                writer.write(said[max(fitting, key=len)] if fitting else packet(b"c"))
                await writer.drain()

    return serve
