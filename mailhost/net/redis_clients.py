"""Redis, which carries only what may be lost: clients from the one REDIS_URL, and a breaker for when it is away."""

import functools
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import redis
import redis.asyncio
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.connection import ConnectionInterface
from redis.retry import Retry

log = structlog.get_logger(__name__)

T = TypeVar("T")

TIMEOUT_SECONDS = 0.2  # a session waits for this; what Redis tells is worth no more
BREAK_SECONDS = 5.0  # after a failure nobody asks for this long


class RedisAway(Exception):
    """Redis does not answer now. What it would have carried must be done without."""


def kombu_url(url: str) -> str:
    """The same Redis as kombu and Celery name it: `unix:///path?db=1` is `redis+socket:///path?virtual_host=1`."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    database = parse_qs(parts.query).get("db", ["0"])[0]
    credentials = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return f"redis+socket://{credentials}{parts.path}?virtual_host={database}"


def client_for(url: str) -> "redis.Redis":
    """A synchronous client that fails fast and never tries again by itself. Safe for many threads."""
    return redis.Redis.from_url(
        url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
    )


def async_client_for(url: str) -> "redis.asyncio.Redis":
    """An asynchronous client for pub/sub: reads wait as long as it takes, a dead connection is found by pings."""
    options: dict[str, Any] = {} if urlsplit(url).scheme == "unix" else {"socket_keepalive": True}
    return redis.asyncio.Redis.from_url(
        url, socket_timeout=None, socket_connect_timeout=2.0, health_check_interval=15, **options
    )


class Breaker:
    """Asks Redis, and after a failure does not ask again for BREAK_SECONDS: the doors stay fast without it."""

    def __init__(self, client: "redis.Redis", *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._away_until = 0.0
        self._is_away = False
        self._deaf: ConnectionInterface | None = None  # sends only
        self._sending = threading.Lock()

    def send(self, commands: Sequence[tuple[str | bytes, ...]]) -> None:
        """Sends commands over a connection on which Redis answers nothing (CLIENT REPLY OFF). Raises RedisAway.

        What is sent just when Redis goes may be lost unseen: only for what may be lost.
        """
        if self._clock() < self._away_until:
            raise RedisAway
        try:
            with self._sending:
                deaf = self._deaf or self._connect_deaf()
                self._deaf = None  # until it has taken everything
                deaf.send_packed_command(deaf.pack_commands(commands))  # type: ignore[no-untyped-call]
                self._deaf = deaf
        except (redis.RedisError, OSError) as error:
            self._note(is_away=True, error=error)
            raise RedisAway from error
        if self._is_away:
            self._note(is_away=False)

    def _connect_deaf(self) -> ConnectionInterface:
        deaf: ConnectionInterface = self._client.connection_pool.make_connection()
        deaf.connect()  # type: ignore[no-untyped-call]
        deaf.send_command("CLIENT", "REPLY", "OFF")  # type: ignore[no-untyped-call]
        return deaf

    def ask(self, question: Callable[["redis.Redis"], T]) -> T:
        """What the function gets from the client. Raises RedisAway."""
        if self._clock() < self._away_until:
            raise RedisAway
        try:
            answer = question(self._client)
        except (redis.RedisError, OSError) as error:
            self._note(is_away=True, error=error)
            raise RedisAway from error
        if self._is_away:
            self._note(is_away=False)
        return answer

    def _note(self, *, is_away: bool, **details: Any) -> None:
        with self._lock:
            changed, self._is_away = self._is_away != is_away, is_away
            if is_away:
                self._away_until = self._clock() + BREAK_SECONDS
        if changed:
            log.warning(
                "redis is away" if is_away else "redis is back", **{k: str(v) for k, v in details.items()}
            )


@functools.cache
def shared_breaker() -> Breaker:
    """This process's way to settings.REDIS_URL."""
    return Breaker(client_for(settings.REDIS_URL))
