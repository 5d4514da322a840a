"""Asking clamd whether a message carries a virus (INSTREAM). What does is refused, and the sender hears its name."""

import asyncio
from typing import Final

from django.conf import settings

from delivery.filters.checkers.case import Case, Opinion, WhenAway, without
from delivery.findings import Action, Finding
from mailhost.net.endpoints import Endpoint, connected, last_words
from mailhost.net.outside import Away, Extend, Outside
from mailhost.protocols import clamd
from mailhost.protocols.smtp.replies import Reply

CHECK: Final = "clamd"
TOO_LARGE: Final = Reply(552, "5.3.4", "The message is too large to be looked through for viruses here")


class Clamd:
    """One clamd, as this process asks it: a connection for each message, as INSTREAM ends with one."""

    def __init__(self, endpoint: Endpoint, *, when_away: WhenAway, at_once: int) -> None:
        self._endpoint = endpoint
        self._when_away = when_away
        self._outside = Outside(f"clamd at {endpoint}", at_once=at_once)

    async def look(self, case: Case) -> Opinion:
        """Never raises for what clamd does."""
        if len(case.octets) > settings.CLAMD_MAX_MESSAGE_OCTETS:
            return self._too_large()

        async def question(_: Extend) -> clamd.ClamdReply:
            return await self._scan(case.octets)

        try:
            reply = await self._outside.ask(question, seconds=settings.CHECKER_SECONDS)
        except Away as away:
            return self._without(str(away))
        match reply:
            case clamd.Clean():
                return Opinion((Finding(CHECK, "clean", "ClamAV knows no virus in it."),))
            case clamd.Infected(signature):
                return Opinion((_infected(signature),))
            case clamd.TooLarge():
                return self._too_large()
            case clamd.Failed(text):
                return self._without(f"It could not look: {text}.")

    async def _scan(self, octets: bytes) -> clamd.ClamdReply:
        """Reads while it writes: clamd says that a message is too large, and hangs up, in the midst of it."""
        async with connected(self._endpoint) as (reader, writer):
            with last_words(writer) as unread:
                reading = asyncio.ensure_future(reader.readuntil(b"\0"))
                try:
                    await _send(writer, octets, until=reading)
                    reply = await reading
                except asyncio.LimitOverrunError as error:
                    raise clamd.ClamdReplyInvalid("Its answer has no end.") from error
                except (OSError, EOFError):
                    await asyncio.wait([reading])
                    is_read = reading.exception() is None
                    reply = reading.result() if is_read else unread(clamd.MAX_REPLY_OCTETS)
                    if not reply.endswith(b"\0"):
                        raise
                finally:
                    reading.cancel()
                    await asyncio.gather(reading, return_exceptions=True)
        if len(reply) > clamd.MAX_REPLY_OCTETS:
            raise clamd.ClamdReplyInvalid("Its answer is too long.")
        return clamd.parse_reply(reply.removesuffix(b"\0"))

    def _without(self, why: str) -> Opinion:
        return without("The virus scanner", check=CHECK, why=why, policy=self._when_away)

    def _too_large(self) -> Opinion:
        """Brought again it would be as large: who may not go on without a look is told so for good."""
        text = "The virus scanner was not heard: the message is too large for it."
        if self._when_away is WhenAway.ACCEPT:
            return Opinion((Finding(CHECK, "too-large", text),))
        return Opinion((Finding(CHECK, "too-large", text, at_least=Action.REFUSE, reply=str(TOO_LARGE)),))


async def _send(writer: asyncio.StreamWriter, octets: bytes, *, until: "asyncio.Future[bytes]") -> None:
    """All of it, or as much as there is time for until it answers."""
    writer.write(clamd.INSTREAM)
    for piece in clamd.chunks(octets):
        if until.done():
            return
        writer.write(piece)
        if len(piece) > len(clamd.END):
            await writer.drain()
    await writer.drain()


def _infected(signature: str) -> Finding:
    reply = Reply(554, "5.7.1", f"Not accepted: the message carries a virus ({signature})")
    return Finding(
        CHECK, "infected", f"It carries a virus: {signature}.", at_least=Action.REFUSE, reply=str(reply)
    )
