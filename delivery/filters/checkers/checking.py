"""All checkers of this host, asked about one message beside each other, in one bounded time."""

import asyncio
import re
from collections.abc import Sequence
from typing import Final

from django.conf import settings

from delivery.filters.checkers.case import Case, Opinion, WhenAway, together
from delivery.filters.checkers.clamd import Clamd
from delivery.filters.checkers.milter import Milter, MilterPlace, ask_in_turn
from delivery.filters.checkers.rspamd import Rspamd, parse_url
from mailhost.net.endpoints import EndpointInvalid, parse_endpoint

# NAME=SOCKET, or the socket alone
_MILTER: Final = re.compile(r"(?:(?P<name>[A-Za-z0-9_-]{1,40})=)?(?P<socket>.+)", re.DOTALL)


class CheckerSettingInvalid(ValueError):
    """A setting cannot be read; the text is a sentence."""


class Checkers:
    """Of one process. Whether there is any: bool(checkers)."""

    def __init__(
        self, *, rspamd: Rspamd | None = None, clamd: Clamd | None = None, milters: Sequence[Milter] = ()
    ) -> None:
        self._single = [each for each in (clamd, rspamd) if each is not None]
        self._milters = milters

    def __bool__(self) -> bool:
        return bool(self._single or self._milters)

    async def look(self, case: Case) -> Opinion:
        """Never raises for what the checkers do."""
        looks = [each.look(case) for each in self._single]
        if self._milters:
            looks.append(ask_in_turn(self._milters, case, seconds=settings.CHECKER_LONGEST_SECONDS))
        return together(await asyncio.gather(*looks))


def parse_milters(words: Sequence[str]) -> list[MilterPlace]:
    """`NAME=SOCKET` or `SOCKET` each, in the order in which they are asked. Raises EndpointInvalid."""
    found = []
    for word in words:
        match = _MILTER.fullmatch(word)
        if match is None:
            raise EndpointInvalid(f"{word!r} names no socket.")
        endpoint = parse_endpoint(match["socket"])
        found.append(MilterPlace(match["name"] or str(endpoint), endpoint))
    return found


def configured_checkers() -> Checkers:
    """Those that the settings name. Raises CheckerSettingInvalid."""
    at_once = settings.CHECKER_CONNECTIONS
    try:
        rspamd = settings.RSPAMD and Rspamd(
            parse_url(settings.RSPAMD),
            when_away=_policy("MAILHOST_RSPAMD_AWAY", settings.RSPAMD_AWAY),
            at_once=at_once,
        )
        clamd = settings.CLAMD and Clamd(
            parse_endpoint(settings.CLAMD),
            when_away=_policy("MAILHOST_CLAMD_AWAY", settings.CLAMD_AWAY),
            at_once=at_once,
        )
        when_away = _policy("MAILHOST_MILTERS_AWAY", settings.MILTERS_AWAY)
        milters = [
            Milter(place, when_away=when_away, at_once=at_once) for place in parse_milters(settings.MILTERS)
        ]
    except EndpointInvalid as error:
        raise CheckerSettingInvalid(f"MAILHOST_RSPAMD, MAILHOST_CLAMD, MAILHOST_MILTERS: {error}") from error
    return Checkers(rspamd=rspamd or None, clamd=clamd or None, milters=milters)


def _policy(name: str, text: str) -> WhenAway:
    try:
        return WhenAway(text)
    except ValueError:
        raise CheckerSettingInvalid(f"{name} is {text!r}: write accept or defer.") from None
