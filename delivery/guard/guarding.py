"""The guard of port 25 in one process, and what it knows of one client while it is connected.

Each question says what is refused by raising CommandRefused (4xx, or 5xx where a list or a ban says so); the door sends
the reply, and ends the session where the code is one that ends it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from typing import Final

from django.conf import settings

from delivery.findings import Finding
from delivery.guard.dns_lists import DnsList, Listings, ask_dns_lists, parse_dns_lists
from delivery.guard.greylist import Attempt, Greylist
from delivery.guard.limits import (
    connection_allowances,
    message_allowances,
    recipient_allowances,
    refusal_allowance,
)
from mailhost.bans.following import BannedNetworks
from mailhost.bans.offences import note_offence
from mailhost.net.allowances import Allowance, Allowances, UsedUp
from mailhost.net.async_breaker import AsyncBreaker
from mailhost.net.resolver import Resolver
from mailhost.net.store_threads import in_store
from mailhost.net.trust import is_trusted
from mailhost.protocols.smtp.paths import ForwardPath
from mailhost.protocols.smtp.replies import CommandRefused

# People mistype and leave addresses behind; whoever is told "no" more often in an hour is made to wait for it.
FREE_REFUSALS: Final = 5
TARPIT_STEP_SECONDS: Final = 0.5
BANNED: Final = CommandRefused(554, "5.7.1", "Your network is banned here")


@dataclass(slots=True)
class Visit:
    """One client's connection. `asking`: the DNS lists, which are asked while it says who it is."""

    peer: str
    is_trusted: bool = False
    asking: asyncio.Task[Listings] | None = None

    async def listings(self) -> Listings:
        """What the DNS lists say of it; waits for them, not long."""
        return await asyncio.shield(self.asking) if self.asking is not None else Listings()

    def end(self) -> None:
        """Nobody waits for the answers any longer."""
        if self.asking is not None:
            self.asking.cancel()


@dataclass(slots=True)
class Guard:
    """To be closed. `sleep` is how a tarpit waits."""

    bans: BannedNetworks
    resolver: Resolver | None = None
    lists: Sequence[DnsList] = ()
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    allowances: Allowances = field(init=False)
    greylist: Greylist = field(init=False)
    _breaker: AsyncBreaker = field(init=False)

    def __post_init__(self) -> None:
        self._breaker = AsyncBreaker(settings.REDIS_URL)
        self.allowances = Allowances(self._breaker)
        self.greylist = Greylist(self._breaker)

    async def close(self) -> None:
        """Ends once everything that waits is answered."""
        await self.allowances.close()

    async def admit(self, peer: str, *, is_inbound: bool) -> Visit:
        """A client has come. Raises CommandRefused: 554 for the banned (RFC 5321 section 3.1), 421 for too many.

        On submission only bans count: who may send how much is asked of accounts there.
        """
        if self.bans.is_banned(peer):
            raise BANNED
        visit = Visit(peer, is_trusted(peer) or not is_inbound)
        if visit.is_trusted:
            return visit
        self._take(connection_allowances(peer), code=421, what="connections")
        if self.lists and self.resolver is not None:
            question = ask_dns_lists(
                ip_address(peer),
                lists=self.lists,
                resolver=self.resolver,
                seconds=settings.DNS_LIST_SECONDS,
            )
            visit.asking = asyncio.create_task(question, name="DNS lists")
        return visit

    async def allow_message(self, visit: Visit, *, reverse_path: str) -> None:
        """MAIL. Raises CommandRefused (450 4.7.1)."""
        if not visit.is_trusted:
            self._take(message_allowances(visit.peer, reverse_path=reverse_path), what="messages")

    async def allow_recipient(self, visit: Visit, path: ForwardPath, *, is_first: bool) -> None:
        """RCPT. Raises CommandRefused: 450 for too many, 550 where a DNS list refuses the client.

        RFC 5321 section 4.5.1: whoever is refused must be able to ask postmaster why.
        """
        if visit.is_trusted:
            return
        if not is_first:
            self._take(recipient_allowances(visit.peer), what="recipients")
        if is_postmaster(path):
            return
        listings = await visit.listings()
        if listings.refusal:
            raise CommandRefused(550, "5.7.1", listings.refusal)

    async def recipient_was_refused(self, visit: Visit) -> bool:
        """A tarpit: each further address that there is not takes longer. False where there were too many of them."""
        if visit.is_trusted:
            return True
        answer = self.allowances.take(refusal_allowance(visit.peer))
        if isinstance(answer, UsedUp):
            return False
        beyond = answer.counts[0] - FREE_REFUSALS
        if beyond > 0:
            await self.sleep(min(beyond * TARPIT_STEP_SECONDS, settings.SMTP_TARPIT_SECONDS))
        return True

    async def offended(self, visit: Visit, *, what: str, now: datetime) -> None:
        """Something that bans its network where it happens again and again. Raises StoreUnavailable."""
        if not visit.is_trusted and await in_store(note_offence, peer=visit.peer, what=what, now=now):
            await self.bans.look()

    async def allow_delivery(
        self, visit: Visit, findings: Sequence[Finding], attempt: Attempt, *, now: datetime
    ) -> None:
        """After the final dot, with all that is known: greylisting. Raises CommandRefused (451 4.7.1)."""
        if not visit.is_trusted and settings.GREYLISTING:
            await self.greylist.require_patience(attempt, findings, now=now)

    def _take(self, wanted: Sequence[Allowance], *, what: str, code: int = 450) -> None:
        answer = self.allowances.take(*wanted)
        if isinstance(answer, UsedUp):
            seconds = answer.retry_seconds
            raise CommandRefused(code, "4.7.1", f"Too many {what}, try again in {seconds} seconds")


def is_postmaster(path: ForwardPath) -> bool:
    """Whether mail for it must be taken from everybody."""
    return path.address is None or path.address.local_part.lower() == "postmaster"


def configured_lists() -> list[DnsList]:
    """Those that the settings name. Raises DnsListInvalid."""
    return [
        *parse_dns_lists(settings.DNS_BLOCK_LISTS),
        *parse_dns_lists(settings.DNS_ALLOW_LISTS, is_allow_list=True),
    ]
