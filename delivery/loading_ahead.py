"""Short messages of one destination, read and signed several at a time: one turn of a thread, one look-up of keys."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from delivery.relay.forms import Form
from delivery.relay.parcel import OutgoingMessage
from delivery.signing import Loaded
from mailhost.protocols.message.without_binary import CannotConvert

# What is not being sent yet is counted in no budget: 64 KB for each look.
AHEAD_MESSAGES: Final = 16
AHEAD_OCTETS: Final = 64 << 10

Found = Loaded | CannotConvert
Read = Callable[[Sequence[OutgoingMessage], Form], Awaitable[dict[int, Found]]]
"""All of these, by message; without those that are gone."""


@dataclass(slots=True)
class Ahead:
    """What one look has loaded already, for all of its connections."""

    _found: dict[int, Found] = field(default_factory=dict)  # by message
    _form: Form | None = None
    _loading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def load(
        self,
        message: OutgoingMessage,
        following: Callable[[], Iterable[OutgoingMessage]],
        *,
        form: Form,
        read: Read,
    ) -> Found | None:
        """The message; None where it is gone. following: what is sent next, asked when some of it is read as well.

        Raises what read raises.
        """
        if message.size_octets > AHEAD_OCTETS:
            return (await read([message], form)).get(message.message_id)
        async with self._loading:
            if message.message_id not in self._found or self._form != form:
                self._found = await read(_together(message, following()), form)
                self._form = form
            return self._found.get(message.message_id)


def _together(message: OutgoingMessage, following: Iterable[OutgoingMessage]) -> list[OutgoingMessage]:
    """This one, and those short ones that are sent next."""
    chosen, octets = {message.message_id: message}, message.size_octets
    for each in islice(following, AHEAD_MESSAGES - 1):
        octets += each.size_octets
        if octets > AHEAD_OCTETS:
            break
        chosen.setdefault(each.message_id, each)
    return list(chosen.values())
