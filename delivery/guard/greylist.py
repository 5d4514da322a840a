"""Greylisting of the doubtful (RFC 6647): what nothing vouches for is to be brought again a little later.

It happens after the final dot, when signatures are known too (docs/decisions/0017). What is remembered is lost with
Redis; while it is away nobody is greylisted.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings

from delivery.findings import Finding
from delivery.guard.dns_lists import ALLOWED, CHECK
from mailhost.bans.networks import greylisted_network
from mailhost.net.async_breaker import AsyncBreaker
from mailhost.net.redis_clients import RedisAway
from mailhost.protocols.smtp.replies import CommandRefused

# RFC 6647 section 5: a client that does not come back within a day is not known any more, one that did for weeks.
RETRY_WITHIN_SECONDS: Final = 86_400
REMEMBERED_SECONDS: Final = 36 * 86_400
# So many triplets that were brought again, and a network has shown that its clients keep a queue.
KNOWN_AFTER: Final = 5
VOUCHES: Final = frozenset({("dmarc", "pass"), ("dkim", "pass"), ("spf", "pass")})
NO_NAME: Final = frozenset({"fail", "permerror"})

# KEYS: the network's count, then the triplets. ARGV: now, the delay, how long new ones and those that passed are
# remembered, and from which count on a network is known. The answer: the longest time in seconds that is left.
ASK: Final = """
if tonumber(redis.call('GET', KEYS[1]) or '0') >= tonumber(ARGV[5]) then
  redis.call('EXPIRE', KEYS[1], ARGV[4])
  return 0
end
local left = 0
for number = 2, #KEYS do
  local first = redis.call('GET', KEYS[number])
  if first == 'passed' then
    first = '0'
  elseif not first then
    first = ARGV[1]
    redis.call('SET', KEYS[number], first, 'EX', ARGV[3])
  end
  left = math.max(left, tonumber(first) + tonumber(ARGV[2]) - tonumber(ARGV[1]))
end
if left > 0 then return left end
for number = 2, #KEYS do
  local before = redis.call('GET', KEYS[number])
  redis.call('SET', KEYS[number], 'passed', 'EX', ARGV[4])
  if before ~= 'passed' then
    redis.call('INCR', KEYS[1])
    redis.call('EXPIRE', KEYS[1], ARGV[4])
  end
end
return 0
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who brings what to whom. reverse_path: "" for the null one; forward_paths without those of postmasters."""

    peer: str
    reverse_path: str
    forward_paths: tuple[str, ...]


class Greylist:
    """Remembers who tried, for all processes together."""

    def __init__(self, breaker: AsyncBreaker) -> None:
        self._breaker = breaker

    async def require_patience(self, attempt: Attempt, findings: Sequence[Finding], *, now: datetime) -> None:
        """Raises CommandRefused (451 4.7.1) where the message is doubtful and came too soon."""
        doubt = next(doubts(findings), "")
        if not doubt or not attempt.forward_paths:
            return
        seconds = await self._seconds_left(attempt, now=now)
        if seconds > 0:
            raise CommandRefused(451, "4.7.1", f"Greylisted, try again in {seconds} seconds: {doubt}")

    async def _seconds_left(self, attempt: Attempt, *, now: datetime) -> int:
        network = greylisted_network(attempt.peer)
        keys = [
            f"grey:net:{network}",
            *(_key(str(network), attempt.reverse_path, path) for path in attempt.forward_paths),
        ]
        arguments = (
            int(now.timestamp()),
            int(settings.GREYLIST_DELAY_SECONDS),
            RETRY_WITHIN_SECONDS,
            REMEMBERED_SECONDS,
            KNOWN_AFTER,
        )
        try:
            return int(await self._breaker.ask("EVAL", ASK, len(keys), *keys, *arguments))
        except RedisAway:
            return 0


def doubts(findings: Sequence[Finding]) -> Iterator[str]:
    """Why a message is doubtful, in words for its sender; nothing where an allow list vouches for the client."""
    results = {(each.check, each.result) for each in findings}
    if (CHECK, ALLOWED) in results:
        return
    if any(each.check == CHECK and each.score > 0 for each in findings):
        yield "your address is on a block list"
    asked = {each.check for each in findings}
    if "iprev" in asked and any(("iprev", result) in results for result in NO_NAME):
        yield "your address has no name in DNS that leads back to it"
    # A temporary error says nothing: who cannot be looked up now is not made to wait for it.
    if "spf" in asked and not results & VOUCHES and ("spf", "temperror") not in results:
        yield "neither SPF nor a signature tells who sent it"


def _key(network: str, reverse_path: str, forward_path: str) -> str:
    triplet = "\0".join((network, reverse_path.lower(), forward_path.lower()))
    return f"grey:{hashlib.sha256(triplet.encode()).hexdigest()[:40]}"
