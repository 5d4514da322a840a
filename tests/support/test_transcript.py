"""The tests' own tools: a transcript that differs says how."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from mailhost.net.connection import Connection
from mailhost.net.connection_limits import ConnectionLimits
from mailhost.net.listeners import listen
from tests.support.servers import running
from tests.support.transcript import ConversationDiffers, converse


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    """A server that says each line back, until "quit"."""

    async def serve(connection: Connection) -> None:
        while (line := await connection.read_line(limit=100, timeout=5)) != b"quit":
            connection.write(line + b"\r\n")

    limits = ConnectionLimits(total=10, per_address=10)
    listener = await listen(host="127.0.0.1", port=0, serve=serve, limits=limits)
    yield listener.port
    await listener.close(grace=1)


def test_a_transcript_is_followed() -> None:
    with running(echo()) as port:
        words = converse(
            port,
            r"""
            1C: hello {name}
            1S: hello {name}
            a comment
            2C: uid 7 of 7 {5}
            2S: uid {uid} of {uid} {5}
            1C| {uid}\r\n\x41\\\r\n
            1S: 7
            1S: A\
            2C: one
            2C: two
            2C: three
            2S~ t…ee
            1C: quit
            1S!
            """,
            name="alice",
        )
    assert words == {"name": "alice", "uid": "7"}


@pytest.mark.parametrize(
    ("script", "differs"),
    [
        ("C: a\nS: b", r"came      b'a\\r\\n'"),
        ("C: quit\nS: b", "came      the end of the connection"),
        ("C: a\nS!", r"came      b'a\\r\\n'"),
        ("C: a\nC: b\nC: quit\nS~ c", "came      the end of the connection"),
        ("C: 1 2\nS: {uid} {uid}", "expected  S: {uid} {uid}"),
        ("S: nothing comes", "nothing within 0.05 s"),
    ],
)
def test_a_transcript_that_differs_says_how(script: str, differs: str) -> None:
    with running(echo()) as port, pytest.raises(ConversationDiffers, match=differs):
        converse(port, script, timeout=0.05 if "nothing" in script else 5)


def test_a_server_that_cannot_start_says_so() -> None:
    @asynccontextmanager
    async def broken() -> AsyncIterator[int]:
        raise RuntimeError("no")
        yield 1

    with pytest.raises(RuntimeError, match="no"), running(broken()):
        pass
