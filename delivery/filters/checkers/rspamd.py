"""Asking Rspamd what it thinks of a message, and what follows from its action.

Its score becomes points such that its threshold for `add header` is ours for Junk, so that accounts' own thresholds,
rules and lessons weigh with it. `reject` is obeyed whatever the points: Rspamd says it of viruses and phishing too, and
the sender is there to be told.
"""

import ssl
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from delivery.filters.checkers.case import Case, Opinion, WhenAway, without
from delivery.findings import Action, Finding
from mailhost.net.endpoints import Endpoint, EndpointInvalid, connected, parse_endpoint
from mailhost.net.outside import Away, Extend, Outside
from mailhost.net.posting import post
from mailhost.protocols import rspamd
from mailhost.protocols.smtp.replies import Reply

CHECK: Final = "rspamd"
DEFAULT_PORT: Final = 11_333
# Before version 3.5 Rspamd tells its threshold for reject alone (required_score); by default they are 6 of 15.
ADD_HEADER_SHARE: Final = 0.4
DEFAULT_ADD_HEADER: Final = 6.0
MOST_POINTS: Final = 20.0
LEAST_POINTS: Final = -5.0  # what it likes may still be what an account has learned to be junk
TOLD_SYMBOLS: Final = 4
WORTH_TELLING: Final = 0.1
_JUNK_ACTIONS: Final = frozenset({"add header", "rewrite subject"})
_HELD_ACTIONS: Final = frozenset({"quarantine", "discard"})  # nothing that was accepted vanishes unseen
REFUSED: Final = Reply(550, "5.7.1", "Not accepted: the message looks like junk mail")
LATER: Final = Reply(451, "4.7.1", "Not now, try again later")


@dataclass(frozen=True, slots=True)
class Place:
    """Where it listens, and whether by TLS. host: for the Host field."""

    endpoint: Endpoint
    host: str
    tls: ssl.SSLContext | None = None


def parse_url(text: str) -> Place:
    """`http://HOST:PORT`, `https://HOST:PORT`, `unix:/PATH`. Raises EndpointInvalid."""
    if text.startswith("unix:"):
        return Place(parse_endpoint(text), "localhost")
    try:
        parts = urlsplit(text)
        port = parts.port or DEFAULT_PORT
    except ValueError as error:
        raise EndpointInvalid(f"{text!r} is no URL.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise EndpointInvalid(f"{text!r} is none of http://HOST:PORT, https://HOST:PORT, unix:/PATH.")
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    endpoint = Endpoint(parts.hostname, port)
    return Place(endpoint, str(endpoint), tls)


class Rspamd:
    """One Rspamd, as this process asks it."""

    def __init__(self, place: Place, *, when_away: WhenAway, at_once: int) -> None:
        self._place = place
        self._when_away = when_away
        self._outside = Outside(f"Rspamd at {place.endpoint}", at_once=at_once)

    async def look(self, case: Case) -> Opinion:
        """Never raises for what Rspamd does."""
        if len(case.octets) > settings.RSPAMD_MAX_MESSAGE_OCTETS:
            # Junk is small. What is not looked at here is looked at by all other checks.
            return Opinion((Finding(CHECK, "too-large", "Rspamd was not asked: the message is too large."),))

        async def question(_: Extend) -> rspamd.RspamdAnswer:
            return await self._check(case)

        try:
            answer = await self._outside.ask(question, seconds=settings.CHECKER_SECONDS)
        except Away as away:
            return without("Rspamd", check=CHECK, why=str(away), policy=self._when_away)
        return opinion_of(answer)

    async def _check(self, case: Case) -> rspamd.RspamdAnswer:
        fields = rspamd.request_fields(
            ip=case.peer,
            helo=case.helo,
            client_name=case.client_name,
            reverse_path=case.reverse_path,
            forward_paths=case.forward_paths,
            queue_id=case.trace_id,
            host_name=case.host_name,
            tls=case.tls,
        )
        async with connected(self._place.endpoint, tls=self._place.tls) as (reader, writer):
            answer = await post(
                reader,
                writer,
                target=rspamd.TARGET,
                host=self._place.host,
                fields=fields,
                content=case.octets,
                max_answer_octets=rspamd.MAX_ANSWER_OCTETS,
            )
        if answer.status != 200:
            raise rspamd.RspamdAnswerInvalid(f"It answers with status {answer.status}.")
        return rspamd.parse_answer(answer.content)


def opinion_of(answer: rspamd.RspamdAnswer) -> Opinion:
    """What follows from its action."""
    points = points_of(answer)
    text = _sentence(answer)
    if answer.action == "reject":
        reply = Reply(REFUSED.code, REFUSED.enhanced, _said(answer) or REFUSED.text)
        finding = Finding(CHECK, answer.action, text, points, at_least=Action.REFUSE, reply=str(reply))
        return Opinion((finding,))
    if answer.action == "soft reject":
        later = Reply(LATER.code, LATER.enhanced, _said(answer) or LATER.text)
        return Opinion((Finding(CHECK, answer.action, text, points),), deferral=later)
    if answer.action in _HELD_ACTIONS:
        return Opinion((Finding(CHECK, answer.action, text, points, at_least=Action.QUARANTINE),))
    return Opinion((Finding(CHECK, answer.action, text, points),))


def points_of(answer: rspamd.RspamdAnswer) -> float:
    """Its score in our points: a straight line through 0, on which its `add header` is our Junk."""
    threshold = answer.thresholds.get("add header", answer.required_score * ADD_HEADER_SHARE)
    if threshold <= 0:
        threshold = DEFAULT_ADD_HEADER
    points = max(LEAST_POINTS, min(MOST_POINTS, answer.score * settings.JUNK_SCORE / threshold))
    if answer.action in _JUNK_ACTIONS:  # it may say so by a rule of its operator's, whatever the score
        points = max(points, float(settings.JUNK_SCORE))
    return round(points, 2)


def _said(answer: rspamd.RspamdAnswer) -> str:
    return answer.message[:200]


def _sentence(answer: rspamd.RspamdAnswer) -> str:
    """Names the symbols that weigh most, those that speak for the action first."""
    sign = -1 if answer.score < 0 else 1
    strongest = sorted(
        (each for each in answer.symbols if abs(each.score) >= WORTH_TELLING),
        key=lambda each: (-sign * each.score, each.name),
    )
    told = [each for each in strongest if each.score * sign > 0][:TOLD_SYMBOLS]
    because = "; ".join(_symbol(each) for each in told)
    verdict = f"Rspamd says “{answer.action}” at a score of {answer.score:g}"
    if answer.required_score:
        verdict += f" of {answer.required_score:g}"
    return f"{verdict}{f': {because}' if because else ''}."


def _symbol(symbol: rspamd.Symbol) -> str:
    name = f"{symbol.name[:60]} ({symbol.score:g})"
    return f"{symbol.text[:100].rstrip('.')}, {name}" if symbol.text else name
