"""An SMTP server for tests that takes whatever is sent, or answers what the test says it shall.

`sink.say("RCPT bob@", "550 5.1.1 no such user")` answers commands that begin so; several replies are used one after
the other, the last one from then on. CLOSE hangs up instead, HANG says nothing more.
"""

import asyncio
import base64
import re
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from mailhost.protocols.scram import ITERATIONS, ScramKeys, derive
from mailhost.protocols.scram_server import ScramExchange, ScramRefused

CLOSE = "close"
HANG = "hang"
GREETING = "greeting"
END = "."
DEFAULT_EXTENSIONS = ("PIPELINING", "SIZE 10000000", "8BITMIME", "ENHANCEDSTATUSCODES")
_PATH = re.compile(r"<(.*?)>")


@dataclass
class Received:
    """One message that the sink said 250 to."""

    reverse_path: str
    forward_paths: list[str]
    data: bytes
    is_tls: bool
    connection: int
    commands: list[str]


class _HungUp(Exception):
    pass


@dataclass
class SmtpSink:
    """What it received, and what it is to say."""

    address: str = "127.0.0.1"
    port: int = 0
    extensions: tuple[str, ...] = DEFAULT_EXTENSIONS
    tls: ssl.SSLContext | None = None
    breaks_tls: bool = False
    received: list[Received] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    open_now: int = 0
    most_open: int = 0
    script: dict[str, list[str]] = field(default_factory=dict)
    arrival: asyncio.Condition = field(default_factory=asyncio.Condition)
    login: tuple[str, str] = ("", "")  # where there is one, MAIL needs AUTH
    clients: list[str] = field(default_factory=list)  # the addresses that connected
    gate: asyncio.Event | None = None  # where there is one, the final reply waits for it
    at_gate: asyncio.Event = field(default_factory=asyncio.Event)

    def say(self, beginning: str, *replies: str) -> None:
        """Answers to commands that begin so ("MAIL", "RCPT bob@", GREETING, END for the final dot)."""
        self.script[beginning] = list(replies)

    async def wait_for(self, count: int, *, seconds: float = 10) -> list[Received]:
        """The messages received, once there are so many."""
        async with asyncio.timeout(seconds), self.arrival:
            await self.arrival.wait_for(lambda: len(self.received) >= count)
        return self.received

    def reply_to(self, command: str, otherwise: str) -> str:
        """What the script says to this command."""
        for beginning in sorted(self.script, key=len, reverse=True):
            if command.upper().startswith(beginning.upper()):
                replies = self.script[beginning]
                return replies.pop(0) if len(replies) > 1 else replies[0]
        return otherwise


@asynccontextmanager
async def smtp_sink(
    *,
    address: str = "127.0.0.1",
    port: int = 0,
    listening: socket.socket | None = None,
    implicit_tls: ssl.SSLContext | None = None,
) -> AsyncIterator[SmtpSink]:
    """A sink on this address (port 0: a free one), or on a socket that listens already, until the block ends."""
    sink = SmtpSink(address=address)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        try:
            await _Session(sink, reader, writer).run()
        except asyncio.CancelledError:
            pass  # the test is over

    if listening is None:
        server = await asyncio.start_server(serve, address, port, limit=1 << 20, ssl=implicit_tls)
    else:
        server = await asyncio.start_server(serve, sock=listening, limit=1 << 20)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Session:
    def __init__(self, sink: SmtpSink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sink, self.reader, self.writer = sink, reader, writer
        self.is_tls = writer.get_extra_info("ssl_object") is not None
        self.is_signed_in = not sink.login[0]
        sink.clients.append(writer.get_extra_info("peername")[0])
        self.has_mail = False
        self.reverse_path = ""
        self.forward_paths: list[str] = []
        self.commands: list[str] = []
        self.chunks: list[bytes] = []
        sink.connections += 1
        self.number = sink.connections

    async def run(self) -> None:
        self.sink.open_now += 1
        self.sink.most_open = max(self.sink.most_open, self.sink.open_now)
        try:
            await self.answer(GREETING, "220 sink.test ESMTP")
            while line := await self.reader.readline():
                await self.command(line.decode().rstrip("\r\n"))
        except (_HungUp, ConnectionError, ssl.SSLError):
            pass
        finally:
            self.sink.open_now -= 1
            self.writer.close()

    async def answer(self, command: str, otherwise: str) -> bool:
        reply = self.sink.reply_to(command, otherwise)
        if reply == HANG:
            await asyncio.Event().wait()
        if reply == CLOSE:
            raise _HungUp
        self.writer.write(reply.encode() + b"\r\n")
        await self.writer.drain()
        if reply.startswith("421"):
            raise _HungUp
        return reply.startswith("3" if command == "DATA" else "2")

    async def command(self, line: str) -> None:
        verb = line.split(" ")[0].upper()
        path = _PATH.search(line)
        self.sink.commands.append(line)
        self.commands.append(line)
        spoken = f"{verb} {path[1]}" if path else line
        match verb:
            case "EHLO":
                offered = [
                    *self.sink.extensions,
                    *(["STARTTLS"] if self.sink.tls and not self.is_tls else []),
                ]
                lines = ["sink.test", *offered]
                rows = [f"250{'-' if each is not lines[-1] else ' '}{each}" for each in lines]
                await self.answer(line, "\r\n".join(rows))
            case "STARTTLS":
                await self.start_tls()
            case "AUTH" if "AUTH" in self.sink.script:
                await self.answer("AUTH", "")
            case "AUTH":
                await self.auth(*line.split(" ")[1:])
            case "MAIL" if not self.is_signed_in:
                await self.answer("", "530 5.7.0 sign in first")
            case "MAIL":
                self.has_mail = await self.answer(spoken, "250 2.1.0 ok")
                self.reverse_path, self.forward_paths = path[1] if path else "", []
            case "RCPT" if not self.has_mail:
                await self.answer("", "503 5.5.1 MAIL first")
            case "RCPT":
                if await self.answer(spoken, "250 2.1.5 ok"):
                    self.forward_paths.append(path[1] if path else "")
            case "DATA":
                await self.data()
            case "BDAT":
                self.chunks.append(await self.reader.readexactly(int(line.split(" ")[1])))
                if line.endswith("LAST"):
                    octets, self.chunks = b"".join(self.chunks), []
                    await self.take(octets)
                else:
                    await self.answer(line, "250 2.0.0 chunk")
            case "QUIT":
                await self.answer(line, "221 bye")
                raise _HungUp
            case _:
                await self.answer(line, "250 ok")

    async def start_tls(self) -> None:
        assert self.sink.tls is not None
        if not await self.answer("STARTTLS", "220 go"):
            return
        if self.sink.breaks_tls:
            self.writer.write(b"this is no TLS\r\n" * 10)
            raise _HungUp
        await self.writer.start_tls(self.sink.tls)
        self.is_tls = True

    async def auth(self, mechanism: str, initial: str = "") -> None:
        login, password = self.sink.login
        match mechanism:
            case "PLAIN":
                self.is_signed_in = base64.b64decode(initial).decode() == f"\0{login}\0{password}"
            case "LOGIN":
                said = [await self.challenge(prompt) for prompt in (b"Username:", b"Password:")]
                self.is_signed_in = [each.decode() for each in said] == [login, password]
            case "SCRAM-SHA-256":
                exchange = ScramExchange(is_plus=False, bindings=(), is_plus_offered=False, nonce="s" * 24)
                salt = b"salt" * 4
                is_known = exchange.first(base64.b64decode(initial)).login == login
                keys = ScramKeys(salt, ITERATIONS, *derive(password, salt))
                try:
                    server_final = exchange.final(await self.challenge(exchange.challenge(keys)))
                except ScramRefused:
                    pass
                else:
                    self.is_signed_in = await self.challenge(server_final) == b"" and is_known
        await self.answer("AUTH", "235 2.7.0 welcome" if self.is_signed_in else "535 5.7.8 no")

    async def challenge(self, octets: bytes) -> bytes:
        self.writer.write(b"334 " + base64.b64encode(octets) + b"\r\n")
        line = (await self.reader.readline()).rstrip(b"\r\n")
        self.sink.commands.append(line.decode())
        return base64.b64decode(line)

    async def data(self) -> None:
        if not self.forward_paths:
            await self.answer("DATA", "503 5.5.1 no valid recipients")
            return
        if not await self.answer("DATA", "354 go"):
            return
        lines = []
        while (line := await self.reader.readline()) != b".\r\n":
            if not line:
                raise _HungUp
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        await self.take(b"".join(lines))

    async def take(self, octets: bytes) -> None:
        if self.sink.gate is not None:
            self.sink.at_gate.set()
            await self.sink.gate.wait()
        if await self.answer(END, "250 2.0.0 taken"):
            message = Received(
                self.reverse_path,
                self.forward_paths,
                octets,
                self.is_tls,
                self.number,
                self.commands,
            )
            async with self.sink.arrival:
                self.sink.received.append(message)
                self.sink.arrival.notify_all()
        self.forward_paths, self.commands = [], []
