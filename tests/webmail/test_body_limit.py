"""Requests that carry too much are refused before they are stored."""

import asyncio
from collections.abc import Sequence

from mailhost.webmail.body_limit import BodyLimit, Message, Receive, Scope, Send


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads all, answers 200."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def ask(pieces: Sequence[bytes], *, announced: int | None) -> int:
    """The status of a request with these pieces of a body."""
    headers = [] if announced is None else [(b"content-length", str(announced).encode())]
    left = [
        {"type": "http.request", "body": piece, "more_body": number < len(pieces) - 1}
        for number, piece in enumerate(pieces)
    ]
    answers: list[Message] = []

    async def receive() -> Message:
        return left.pop(0)

    async def send(message: Message) -> None:
        answers.append(message)

    asyncio.run(BodyLimit(echo, limit=10)({"type": "http", "headers": headers}, receive, send))
    return int(answers[0]["status"])


def test_what_fits_passes() -> None:
    assert ask([b"12345", b"67890"], announced=10) == 200
    assert ask([b""], announced=None) == 200


def test_what_is_announced_too_large_is_not_even_read() -> None:
    assert ask([], announced=11) == 413


def test_what_turns_out_too_large_is_cut_off() -> None:
    assert ask([b"12345", b"67890", b"1", b"2"], announced=None) == 413
    assert ask([b"12345", b"67890", b"1"], announced=3) == 413
