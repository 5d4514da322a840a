"""What a protocol process knows of bans: a copy in memory, looked at for each connection without asking anybody.

Each process looks into the table every few seconds: one small statement while nothing has changed, and no notice that
could be lost.
"""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

import structlog
from django.db import DatabaseError
from django.db.models import Count, Max
from django.utils import timezone

from mailhost.bans.models import Ban
from mailhost.net.store_threads import StoreUnavailable, in_store

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 3.0
MAX_FOLLOWED: Final = 50_000  # the latest; some 10 MB

Mark = tuple[int, int]


class BannedNetworks:
    """The bans as of the last look. `is_banned` takes a microsecond for each prefix length that there is."""

    def __init__(self, clock: Callable[[], datetime] = timezone.now) -> None:
        self._clock = clock
        self._mark: Mark = (0, 0)
        self._until: dict[tuple[int, int], dict[int, datetime | None]] = {}

    def is_banned(self, address: str) -> bool:
        """Whether a plain IP address lies in a banned network now."""
        if not self._until:
            return False
        parsed = ipaddress.ip_address(address)
        for (version, shift), networks in self._until.items():
            number = int(parsed) >> shift
            if version == parsed.version and number in networks:
                until = networks[number]
                if until is None or until > self._clock():
                    return True
        return False

    async def look(self) -> None:
        """Reads the table where it has changed. Raises StoreUnavailable."""
        found = await in_store(_read, self._mark)
        if found is not None:
            self._mark = found[0]
            self.replace(found[1])

    def replace(self, bans: Iterable[tuple[str, datetime | None]]) -> None:
        """Knows these from now on: (network, end)."""
        until: dict[tuple[int, int], dict[int, datetime | None]] = {}
        for text, end in bans:
            network = ipaddress.ip_network(text)
            shift = network.max_prefixlen - network.prefixlen
            until.setdefault((network.version, shift), {})[int(network.network_address) >> shift] = end
        self._until = until


def _read(known: Mark) -> tuple[Mark, list[tuple[str, datetime | None]]] | None:
    found = Ban.objects.order_by().aggregate(count=Count("pk"), latest=Max("pk"))
    mark = (found["count"], found["latest"] or 0)
    if mark == known:
        return None
    return mark, list(Ban.objects.order_by("-pk").values_list("network", "expires_at")[:MAX_FOLLOWED])


@asynccontextmanager
async def following() -> AsyncIterator[BannedNetworks]:
    """The bans, followed for as long as the block runs. While the database is away the last ones hold."""
    bans = BannedNetworks()
    task = asyncio.create_task(_look_again_and_again(bans), name="bans")
    try:
        yield bans
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _look_again_and_again(bans: BannedNetworks) -> None:
    while True:
        try:
            await bans.look()
        except (StoreUnavailable, DatabaseError) as error:
            log.info("bans cannot be read", error=str(error).strip())
        await asyncio.sleep(LOOK_SECONDS)
