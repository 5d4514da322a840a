"""One HTTP POST or GET over a connection, and an answer of bounded size (HTTP/1.1: RFC 9112, by h11)."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import h11

MAX_ANSWER_HEAD_OCTETS: Final = 32 * 1024
_BLOCK_OCTETS: Final = 128 * 1024


class AnswerInvalid(ValueError):
    """What came is no HTTP, or too much of it. The text is a sentence."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """status: three digits. content: all of it. media_type: in lower case, without parameters."""

    status: int
    content: bytes
    media_type: str = ""


async def post(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    target: str,
    host: str,
    fields: Sequence[tuple[str, bytes]],
    content: bytes,
    max_answer_octets: int,
    media_type: str = "application/octet-stream",
) -> HttpAnswer:
    """Sends the content, reads the answer. Raises AnswerInvalid, OSError, EOFError."""
    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_ANSWER_HEAD_OCTETS)
    request = h11.Request(
        method="POST",
        target=target,
        headers=[
            (b"Host", host.encode()),
            (b"Content-Length", b"%d" % len(content)),
            (b"Content-Type", media_type.encode("ascii")),
            (b"Connection", b"close"),
            *((name.encode("ascii"), value) for name, value in fields),
        ],
    )
    writer.write(http.send(request) or b"")
    for start in range(0, len(content), _BLOCK_OCTETS):
        block = http.send(h11.Data(content[start : start + _BLOCK_OCTETS]))
        writer.write(block or b"")
        await writer.drain()
    http.send(h11.EndOfMessage())
    await writer.drain()
    return await _read_answer(reader, http, max_answer_octets)


async def get(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    target: str,
    host: str,
    max_answer_octets: int,
) -> HttpAnswer:
    """Asks for what is there; a redirection is an answer. Raises AnswerInvalid, OSError, EOFError."""
    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_ANSWER_HEAD_OCTETS)
    headers = [(b"Host", host.encode()), (b"Connection", b"close")]
    writer.write(http.send(h11.Request(method="GET", target=target, headers=headers)) or b"")
    http.send(h11.EndOfMessage())
    await writer.drain()
    return await _read_answer(reader, http, max_answer_octets)


async def _read_answer(reader: asyncio.StreamReader, http: h11.Connection, max_octets: int) -> HttpAnswer:
    status, content, media_type = 0, bytearray(), b""
    try:
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                http.receive_data(await reader.read(_BLOCK_OCTETS))
            elif isinstance(event, h11.Response):
                status = event.status_code
                media_type = next((value for name, value in event.headers if name == b"content-type"), b"")
            elif isinstance(event, h11.Data):
                content += event.data
                if len(content) > max_octets:
                    raise AnswerInvalid("Its answer is too long.")
            elif isinstance(event, h11.EndOfMessage):
                kind = media_type.partition(b";")[0].strip().lower()
                return HttpAnswer(status, bytes(content), kind.decode("latin-1"))
            elif isinstance(event, h11.ConnectionClosed):
                raise EOFError
    except h11.RemoteProtocolError as error:
        raise AnswerInvalid("Its answer is no HTTP.") from error
