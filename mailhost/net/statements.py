"""Single statements straight from the event loop, for the two that every message needs.

A hop into a thread and back costs two context switches and a struggle for the interpreter's lock, which with ten
sessions at work took as long as the statement itself (docs/decisions/0011). So a process keeps one psycopg connection
in its loop for them, in autocommit: each is a transaction of its own. Whatever needs more goes through in_store.
"""

import time
from typing import Any

import psycopg
import structlog
from django.db import connection

from mailhost.net.store_threads import (
    AWAY_CLASSES,
    RETRY_CONNECTING_SECONDS,
    StoreUnavailable,
    has_died_idle,
)

log = structlog.get_logger(__name__)

Row = tuple[Any, ...]


class Statements:
    """One connection, opened when first needed and again when it is lost. One statement at a time."""

    def __init__(self) -> None:
        self._connection: psycopg.AsyncConnection[Row] | None = None
        self._away_until = 0.0

    async def fetch(self, statement: bytes, parameters: Any) -> list[Row]:
        """All rows, in binary. Raises StoreUnavailable (the work may be committed then), psycopg's DatabaseError."""
        try:
            raw = await self._connected()
            cursor = psycopg.AsyncCursor(raw)
            cursor.format = psycopg.pq.Format.BINARY
            await cursor.execute(statement, parameters)
            return await cursor.fetchall()
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            if self._connection is None:
                self._away_until = time.monotonic() + RETRY_CONNECTING_SECONDS
            elif self._connection.closed or (error.sqlstate or "").startswith(AWAY_CLASSES):
                await self.close()
            log.warning("store unavailable", error=str(error).strip().partition("\n")[0])
            raise StoreUnavailable("the database is away") from error

    async def close(self) -> None:
        """Ends the connection; the next statement opens another."""
        raw, self._connection = self._connection, None
        if raw is not None:
            await raw.close()

    async def _connected(self) -> "psycopg.AsyncConnection[Row]":
        if self._connection is not None and has_died_idle(self._connection):
            await self.close()
        if self._connection is None:
            if time.monotonic() < self._away_until:
                raise StoreUnavailable("the database is away")
            self._connection = await psycopg.AsyncConnection.connect(
                autocommit=True, prepare_threshold=0, **_connection_parameters()
            )
        return self._connection


def _connection_parameters() -> dict[str, Any]:
    """Where Django connects to; how its own connections behave is its own affair."""
    parameters: dict[str, Any] = connection.get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(name, None)
    return parameters
