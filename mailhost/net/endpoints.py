"""Where a program beside this host listens: a TCP port or a unix socket, as settings name it."""

import asyncio
import os
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

READ_AHEAD_OCTETS: Final = (
    64 * 1024
)  # the stream holds at most twice as much before it leaves the socket alone

# host:port, inet:host:port (Postfix), inet:port@host (sendmail); [v6] in brackets.
_HOST: Final = r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
_TCP: Final = (
    re.compile(rf"(?:inet6?:)?{_HOST}:(?P<port>[0-9]{{1,5}})"),
    re.compile(rf"inet6?:(?P<port>[0-9]{{1,5}})@{_HOST}"),
)
_UNIX: Final = re.compile(r"(?:unix|local):(?P<path>/.+)", re.DOTALL)


class EndpointInvalid(ValueError):
    """The text is a sentence."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """path: of a unix socket, or "" where host and port say it."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_endpoint(text: str) -> Endpoint:
    """`HOST:PORT` or `unix:/PATH`, and as Postfix and sendmail write them. Raises EndpointInvalid."""
    if match := _UNIX.fullmatch(text):
        return Endpoint(path=match["path"])
    for form in _TCP:
        match = form.fullmatch(text)
        if match and 1 <= int(match["port"]) <= 65_535:
            return Endpoint(match["host"].strip("[]"), int(match["port"]))
    raise EndpointInvalid(f"{text!r} names no socket: write HOST:PORT or unix:/PATH.")


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(endpoint: Endpoint, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Streams]:
    """A connection, which is gone behind the block whatever the other side does. Raises OSError.

    drain() of its writer waits until everything has left this process.
    """
    if endpoint.path:
        reader, writer = await asyncio.open_unix_connection(endpoint.path, limit=READ_AHEAD_OCTETS)
    else:
        reader, writer = await asyncio.open_connection(
            endpoint.host, endpoint.port, limit=READ_AHEAD_OCTETS, ssl=tls
        )
    writer.transport.set_write_buffer_limits(high=0)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()  # close() would wait for a peer that takes nothing


@contextmanager
def last_words(writer: asyncio.StreamWriter) -> Iterator[Callable[[int], bytes]]:
    """Gives a function that reads, up to so many octets, what came and was not read when the connection broke.

    Who hangs up on what is being sent resets the connection. The failed sending then ends the stream, though the system
    still holds what the other side said before.
    """
    with socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())) as copy:

        def read(octets: int) -> bytes:
            try:
                return copy.recv(octets, socket.MSG_DONTWAIT)
            except OSError:
                return b""

        yield read
