"""Greylisting (RFC 6647): who is doubtful, how long they wait, and who is known."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings

from delivery.findings import Finding
from delivery.guard.greylist import KNOWN_AFTER, Attempt, Greylist, doubts
from mailhost.net.async_breaker import AsyncBreaker
from mailhost.protocols.smtp.replies import CommandRefused
from tests.support.running import run

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
IPREV, SPF, DKIM, DMARC = "iprev", "spf", "dkim", "dmarc"


def found(**results: str) -> list[Finding]:
    return [Finding(check, result, "") for check, result in results.items()]


DOUBTFUL = found(iprev="pass", spf="none", dkim="none", dmarc="none")
LISTED = Finding("dns-list", "listed", "", 3.0)
ALLOWED = Finding("dns-list", "allowed", "", -3.0)


@pytest.mark.parametrize(
    ("findings", "words"),
    [
        (DOUBTFUL, "neither SPF"),
        (found(iprev="pass", spf="softfail", dkim="fail", dmarc="fail"), "neither SPF"),
        (found(iprev="fail", spf="pass", dkim="none", dmarc="none"), "no name in DNS"),
        (found(iprev="permerror", spf="pass", dkim="pass", dmarc="pass"), "no name in DNS"),
        ([*found(iprev="pass", spf="pass", dkim="pass", dmarc="pass"), LISTED], "block list"),
    ],
)
def test_the_doubtful(findings: list[Finding], words: str) -> None:
    assert words in next(doubts(findings))


@pytest.mark.parametrize(
    "findings",
    [
        found(iprev="pass", spf="pass", dkim="none", dmarc="none"),
        found(iprev="pass", spf="fail", dkim="pass", dmarc="none"),
        found(iprev="pass", spf="none", dkim="none", dmarc="pass"),
        found(iprev="temperror", spf="temperror", dkim="none", dmarc="temperror"),
        [*DOUBTFUL, ALLOWED],
        [LISTED, ALLOWED],
        [],
    ],
)
def test_the_others(findings: list[Finding]) -> None:
    assert list(doubts(findings)) == []


Try = Callable[..., Awaitable[int]]


def trying(scenario: Callable[[Try], Awaitable[None]], *, url: str = "") -> None:
    """Runs it with a function that gives the reply's code for a message: 451, or 250 where it is taken."""

    async def whole() -> None:
        breaker = AsyncBreaker(url or settings.REDIS_URL)
        greylist = Greylist(breaker)

        async def attempt(
            peer: str,
            after: float = 0,
            *,
            sender: str = "ann@far.test",
            to: tuple[str, ...] = ("bob@here.test",),
        ) -> int:
            try:
                await greylist.require_patience(
                    Attempt(peer, sender, to), DOUBTFUL, now=NOW + timedelta(seconds=after)
                )
            except CommandRefused as refusal:
                return {"4.7.1": refusal.reply.code}[refusal.reply.enhanced]
            return 250

        await scenario(attempt)
        await breaker.close()

    run(whole())


def network() -> str:
    """An IPv6 /64 that no other test has; with the end of an address to be added."""
    return f"2001:db8:{uuid.uuid4().hex[:4]}:{uuid.uuid4().hex[:4]}::"


def test_it_is_taken_once_it_is_brought_again_later() -> None:
    async def scenario(attempt: Try) -> None:
        net = network()
        assert await attempt(net + "1") == 451
        assert await attempt(net + "1", 119) == 451  # trying sooner does not begin anew
        assert await attempt(net + "2", 120) == 250  # from a neighbour
        assert await attempt(net + "1", 121) == 250
        assert await attempt(network() + "1", 121) == 451

    trying(scenario)


def test_sender_and_recipient_count() -> None:
    async def scenario(attempt: Try) -> None:
        peer = network() + "1"
        assert await attempt(peer) == 451
        assert await attempt(peer, 200, sender="eve@far.test") == 451
        assert await attempt(peer, 200, to=("carol@here.test",)) == 451
        assert await attempt(peer, 200, to=("bob@here.test", "dave@here.test")) == 451
        assert await attempt(peer, 400, to=("bob@here.test", "dave@here.test")) == 250
        assert await attempt(peer, 0, to=()) == 250  # postmaster alone

    trying(scenario)


def test_a_network_that_keeps_a_queue_is_known() -> None:
    async def scenario(attempt: Try) -> None:
        peer = network() + "1"
        for number in range(KNOWN_AFTER):
            assert await attempt(peer, 0, sender=f"{number}@far.test") == 451
            assert await attempt(peer, 200, sender=f"{number}@far.test") == 250
            assert await attempt(peer, 300, sender=f"{number}@far.test") == 250
        assert await attempt(peer, 400, sender="somebody@else.test") == 250

    trying(scenario)


def test_nobody_is_greylisted_while_redis_is_away(tmp_path: Path) -> None:
    async def scenario(attempt: Try) -> None:
        assert await attempt(network() + "1") == 250

    trying(scenario, url=f"unix://{tmp_path}/nobody")
