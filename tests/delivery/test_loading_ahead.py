"""Reading ahead: each short message is read once, whichever connection asks first, and nothing is kept for nobody."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from delivery.loading_ahead import AHEAD_MESSAGES, AHEAD_OCTETS, Ahead, Found
from delivery.relay.forms import Form, Octets
from delivery.relay.parcel import OutgoingMessage
from delivery.signing import Loaded
from tests.support.running import run

LINES = Form(Octets.LINES, is_chunked=False)
CHUNKED = Form(Octets.LINES, is_chunked=True)


def message(number: int, *, size: int = 100) -> OutgoingMessage:
    return OutgoingMessage(
        message_id=number,
        content_id=number,
        reverse_path="a@x.test",
        size_octets=size,
        body="7BIT",
        is_smtputf8=False,
        envid="",
        ret="",
        expires_at=datetime(2030, 1, 1, tzinfo=UTC),
    )


@dataclass
class Sending:
    """A queue, of which connections take one message after the other and have it read."""

    waiting: deque[OutgoingMessage]
    ahead: Ahead = field(default_factory=Ahead)
    reads: list[list[int]] = field(default_factory=list)
    got: list[bytes] = field(default_factory=list)

    async def read(self, messages: Sequence[OutgoingMessage], form: Form) -> dict[int, Found]:
        self.reads.append([each.message_id for each in messages])
        await asyncio.sleep(0)
        return {each.message_id: Loaded(b"%d" % each.message_id, "") for each in messages}

    async def load(self, asked: OutgoingMessage, form: Form = LINES) -> None:
        found = await self.ahead.load(asked, lambda: self.waiting, form=form, read=self.read)
        assert isinstance(found, Loaded)
        self.got.append(found.octets)

    async def connection(self) -> None:
        while self.waiting:
            await self.load(self.waiting.popleft())
            await asyncio.sleep(0)


def test_each_message_is_read_once_over_however_many_connections() -> None:
    sending = Sending(deque(message(number) for number in range(100)))

    async def scenario() -> None:
        await asyncio.gather(*(sending.connection() for _ in range(5)))

    run(scenario())
    assert sorted(each for read in sending.reads for each in read) == list(range(100))
    assert sorted(sending.got, key=int) == [b"%d" % number for number in range(100)]


def test_what_others_wait_for_is_read_first() -> None:
    sending = Sending(deque(message(number) for number in range(10, 10 + 2 * AHEAD_MESSAGES)))

    async def scenario() -> None:
        await asyncio.gather(*(sending.load(message(number)) for number in range(3)))

    run(scenario())
    assert sending.reads[0][0] == 0
    assert sending.reads[1][:2] == [1, 2]
    assert len(sending.reads) == 2


def test_what_was_read_and_is_not_sent_makes_room() -> None:
    half = AHEAD_OCTETS // 2
    sending = Sending(deque([message(1, size=half)]))

    async def scenario() -> None:
        await sending.load(message(0, size=half))
        sending.waiting = deque([message(3, size=half)])  # the first is somebody else's now
        await sending.load(message(2, size=half))
        await sending.load(message(3, size=half))
        sending.waiting.clear()
        await sending.load(message(1, size=half))

    run(scenario())
    assert sending.reads == [[0, 1], [2, 3], [1]]


def test_another_form_is_read_anew() -> None:
    sending = Sending(deque([message(1)]))

    async def scenario() -> None:
        await sending.load(message(0))
        await sending.load(message(1), CHUNKED)

    run(scenario())
    assert sending.reads == [[0, 1], [1]]
