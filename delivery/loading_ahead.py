"""Short messages of one destination, read and signed several at a time: one turn of a thread, one look-up of keys."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
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

    _found: dict[int, Found] = field(default_factory=dict)  # by message, as are the others
    _form: Form | None = None
    _wanted: dict[int, OutgoingMessage] = field(default_factory=dict)  # by connections that wait here
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
        if self._form != form or message.message_id not in self._found:
            self._wanted[message.message_id] = message
            try:
                async with self._loading:
                    await self._read_with(message, following, form, read)
            finally:
                self._wanted.pop(message.message_id, None)
        return self._found.get(message.message_id)

    async def _read_with(
        self,
        message: OutgoingMessage,
        following: Callable[[], Iterable[OutgoingMessage]],
        form: Form,
        read: Read,
    ) -> None:
        """Unless another connection has had it read meanwhile. What was read for nobody that comes is dropped."""
        if self._form == form and message.message_id in self._found:
            return
        together = _together(message, self._wanted.values(), following())
        kept = {n: found for n, found in self._found.items() if n in together} if self._form == form else {}
        self._found, self._form = kept, form
        kept |= await read([each for n, each in together.items() if n not in kept], form)


def _together(
    message: OutgoingMessage, wanted: Iterable[OutgoingMessage], following: Iterable[OutgoingMessage]
) -> dict[int, OutgoingMessage]:
    """This one, and those short ones that others wait for or that are sent next."""
    chosen, octets = {message.message_id: message}, message.size_octets
    for each in islice(chain(wanted, following), AHEAD_MESSAGES):
        if each.message_id not in chosen:
            octets += each.size_octets
            if octets > AHEAD_OCTETS or len(chosen) == AHEAD_MESSAGES:
                break
            chosen[each.message_id] = each
    return chosen
