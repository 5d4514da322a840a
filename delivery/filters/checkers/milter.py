"""Asking milters about a message, one after the other, as each sees what those before it changed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.conf import settings

from delivery.filters.checkers.case import Case, Opinion, WhenAway, together, without
from delivery.filters.checkers.milter_conversation import LATER, REFUSED, Conversation, Wish
from delivery.filters.checkers.milter_wire import MilterWire
from delivery.findings import Action, Finding
from mailhost.net.endpoints import Endpoint, connected
from mailhost.net.outside import Away, Extend, Outside
from mailhost.protocols.milter.header_changes import apply_changes
from mailhost.protocols.smtp.replies import Reply

CHECK: Final = "milter"


@dataclass(frozen=True, slots=True)
class MilterPlace:
    """name: what findings call it."""

    name: str
    endpoint: Endpoint


class Milter:
    """One milter, as this process asks it: a connection and a conversation for each message."""

    def __init__(self, place: MilterPlace, *, when_away: WhenAway, at_once: int) -> None:
        self._place = place
        self._when_away = when_away
        self._outside = Outside(f"milter {place.name} at {place.endpoint}", at_once=at_once)

    async def look(self, case: Case, *, until: float) -> Opinion:
        """Never raises for what the milter does. until: of the loop's clock, whatever progress it makes."""

        async def question(extend: Extend) -> Wish:
            async with connected(self._place.endpoint) as (reader, writer):
                return await Conversation(MilterWire(reader, writer, extend=extend), case).run()

        called = f"The filter {self._place.name}"
        left = until - asyncio.get_running_loop().time()
        try:
            if left <= 0:
                raise Away("No time was left for it.")
            seconds = min(settings.CHECKER_SECONDS, left)
            wish = await self._outside.ask(question, seconds=seconds, longest_seconds=left)
        except Away as away:
            return without(called, check=CHECK, why=str(away), policy=self._when_away)
        return _opinion(called, wish)


async def ask_in_turn(milters: Sequence[Milter], case: Case, *, seconds: float) -> Opinion:
    """All of them, until one has refused or deferred the message. seconds: for all, with all their extensions."""
    until = asyncio.get_running_loop().time() + seconds
    opinions = list[Opinion]()
    for milter in milters:
        opinion = await milter.look(case, until=until)
        opinions.append(opinion)
        if opinion.deferral or any(each.at_least is Action.REFUSE for each in opinion.findings):
            break
        case = replace(case, octets=apply_changes(case.octets, opinion.changes))
    return together(opinions)


def _opinion(called: str, wish: Wish) -> Opinion:
    if wish.reply is not None and wish.reply.code >= 500:
        text = f"{called} refuses it{_because(wish.reply)}."
        return Opinion((Finding(CHECK, "reject", text, at_least=Action.REFUSE, reply=str(wish.reply)),))
    if wish.reply is not None:
        text = f"{called} wants it later{_because(wish.reply)}."
        return Opinion((Finding(CHECK, "tempfail", text),), deferral=wish.reply)
    refused = {
        path: Finding(
            CHECK,
            "reject",
            f"{called} refuses it for {path}{_because(reply)}.",
            at_least=Action.REFUSE,
            reply=str(reply),
        )
        for path, reply in wish.refused.items()
    }
    if wish.held:
        finding = Finding(CHECK, "quarantine", f"{called} holds it: {wish.held}.", at_least=Action.QUARANTINE)
    else:
        changed = " and changes its header" if wish.changes else ""
        finding = Finding(CHECK, "accept", f"{called} takes it{changed}.")
    return Opinion((finding,), refused, tuple(wish.changes))


def _because(reply: Reply) -> str:
    """The milter's own words, where it has any."""
    return "" if reply in (REFUSED, LATER) else f": {reply.text.rstrip('.')}"
