"""Redis asked by the sessions of an event loop, a few times for each message: connections without a client around them.

What redis-py's asynchronous client does about a command (a pool, retries, telemetry) takes longer than all the rest.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import hiredis
import redis
import redis.asyncio
import redis.asyncio.retry
import structlog
from redis.asyncio.connection import AbstractConnection
from redis.backoff import NoBackoff

from mailhost.net.redis_clients import BREAK_SECONDS, TIMEOUT_SECONDS, RedisAway

log = structlog.get_logger(__name__)


class AsyncBreaker:
    """As Breaker, for sessions of one event loop: after a failure nobody asks for BREAK_SECONDS. To be closed."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        # The time-out is that of ask(): with one of its own a connection makes a task for all that it sends.
        self._pool: redis.asyncio.ConnectionPool = redis.asyncio.ConnectionPool.from_url(
            url,
            socket_timeout=None,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=redis.asyncio.retry.Retry(NoBackoff(), 0),
        )
        self._idle: list[AbstractConnection] = []
        self._clock = clock
        self._away_until = 0.0
        self._is_away = False

    async def ask(self, *words: str | bytes | int) -> Any:
        """The answer to a command; texts in it are octets. Raises RedisAway."""
        if self._clock() < self._away_until:
            raise RedisAway
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                answer = await self._answer(hiredis.pack_command(words))  # type: ignore[arg-type]
        except (redis.RedisError, OSError) as error:  # TimeoutError is an OSError
            if not self._is_away:
                log.warning("redis is away", error=str(error))
            self._is_away, self._away_until = True, self._clock() + BREAK_SECONDS
            raise RedisAway from error
        if self._is_away:
            self._is_away = False
            log.warning("redis is back")
        return answer

    async def close(self) -> None:
        """Ends its connections."""
        while self._idle:
            await self._idle.pop().disconnect(nowait=True)

    async def _answer(self, packed: bytes) -> Any:
        while self._idle:
            try:
                return await self._exchange(self._idle.pop(), packed)
            except redis.ConnectionError:
                continue  # Redis was started anew since it was used
        return await self._exchange(self._pool.make_connection(), packed)  # type: ignore[no-untyped-call]

    async def _exchange(self, connection: AbstractConnection, packed: bytes) -> Any:
        try:
            await connection.send_packed_command(packed, check_health=False)  # connects, where it is new
            answer = await connection.read_response()
        except (
            BaseException
        ):  # a session's end too: an answer that nobody read would be taken for the next one
            await connection.disconnect(nowait=True)
            raise
        self._idle.append(connection)
        return answer
