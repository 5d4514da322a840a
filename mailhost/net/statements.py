"""Single statements straight from the event loop, for the few that every message needs.

A hop into a thread and back costs two context switches and a struggle for the interpreter's lock, and psycopg's own
cursors build and wait in Python: with ten sessions at work both together took longer than the statement itself
(docs/decisions/0011). So a process keeps one connection in its loop for them, driven by psycopg's libpq wrapper
(psycopg.pq), in autocommit: each statement is a transaction of its own. Whatever needs more goes through in_store.
"""

import asyncio
import re
import struct
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import structlog
from django.db import connection
from psycopg import pq
from psycopg.errors import error_from_result

from mailhost.net.database import PLAN_BY_KEY
from mailhost.net.store_threads import AWAY_CLASSES, RETRY_CONNECTING_SECONDS, StoreUnavailable

log = structlog.get_logger(__name__)

TEXT_OID, BYTEA_OID = 25, 17  # pg_type
# array_recv: dimensions, whether there are NULLs, the elements' type, length, lower bound; then length and octets each
EMPTY_ARRAY = struct.Struct("!iiI")
ARRAY_HEADER = struct.Struct("!iiIii")
LENGTH = struct.Struct("!i")
PLACEHOLDER = re.compile(r"%\((\w+)\)([sb])")

Row = tuple[bytes | None, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with `%(name)s` (in text form) and `%(name)b` (in binary form) where values go."""

    text: bytes
    names: tuple[str, ...]
    formats: tuple[pq.Format, ...]

    @classmethod
    def parse(cls, text: str) -> "Statement":
        """Each name becomes one numbered parameter, however often it stands there."""
        formats = dict(PLACEHOLDER.findall(text))
        numbers = {name: number for number, name in enumerate(formats, 1)}
        numbered = PLACEHOLDER.sub(lambda match: f"${numbers[match[1]]}", text)
        kinds = {"s": pq.Format.TEXT, "b": pq.Format.BINARY}
        return cls(numbered.encode(), tuple(formats), tuple(kinds[kind] for kind in formats.values()))


def binary_array(values: Sequence[bytes], *, oid: int) -> bytes:
    """An array of texts or byteas in Postgres' binary form."""
    if not values:
        return EMPTY_ARRAY.pack(0, 0, oid)
    pieces = [ARRAY_HEADER.pack(1, 0, oid, len(values), 1)]
    for value in values:
        pieces += (LENGTH.pack(len(value)), value)
    return b"".join(pieces)


def plain_array(values: Iterable[int | str]) -> bytes:
    """An array in text form, of what needs no quotes in it."""
    return b"{%s}" % ",".join(map(str, values)).encode()


class Statements:
    """One connection, opened when first needed and again when it is lost. One statement at a time.

    `plans_once`: Postgres is not to plan a statement for the values of each call (database.plan_by_key).
    """

    def __init__(self, *, plans_once: bool = False) -> None:
        self._plans_once = plans_once
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._socket = -1  # watched by the loop; libpq forgets the number of a connection that is lost
        self._prepared: dict[Statement, bytes] = {}
        self._answer: asyncio.Future[pq.abc.PGresult] | None = None
        self._result_so_far: pq.abc.PGresult | None = None
        self._away_until = 0.0

    async def fetch(self, statement: Statement, values: Mapping[str, bytes]) -> list[Row]:
        """All rows, each value in text form.

        Raises StoreUnavailable (the work may be committed then), psycopg's DatabaseError for what Postgres refuses.
        """
        try:
            link = await self._connected()
            result = await self._run(link, statement, [values[name] for name in statement.names])
            if result.status != pq.ExecStatus.TUPLES_OK:
                raise error_from_result(result)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            if self._connection is None:
                self._away_until = time.monotonic() + RETRY_CONNECTING_SECONDS
            elif error.sqlstate is None or error.sqlstate.startswith(AWAY_CLASSES):
                await self.close()
            log.warning("store unavailable", error=str(error).strip().partition("\n")[0])
            raise StoreUnavailable("the database is away") from error
        columns = range(result.nfields)
        return [tuple([result.get_value(row, column) for column in columns]) for row in range(result.ntuples)]

    async def close(self) -> None:
        """Ends the connection; the next statement opens another."""
        raw, self._connection = self._connection, None
        self._prepared.clear()
        if raw is not None:
            self._stop_reading()
            await raw.close()

    async def _connected(self) -> pq.abc.PGconn:
        if self._connection is not None and self._connection.closed:
            await self.close()
        if self._connection is None:
            if time.monotonic() < self._away_until:
                raise StoreUnavailable("the database is away")
            self._connection = await psycopg.AsyncConnection.connect(
                autocommit=True, **_connection_parameters()
            )
            if self._plans_once:
                await self._connection.execute(PLAN_BY_KEY)
            self._socket = self._connection.pgconn.socket
            asyncio.get_running_loop().add_reader(self._socket, self._read)
        return self._connection.pgconn

    async def _run(self, link: pq.abc.PGconn, statement: Statement, values: list[bytes]) -> pq.abc.PGresult:
        name = self._prepared.get(statement)
        if name is None:
            name = b"statement_%d" % len(self._prepared)
            link.send_prepare(name, statement.text)
            result = await self._result(link)
            if result.status != pq.ExecStatus.COMMAND_OK:
                raise error_from_result(result)
            self._prepared[statement] = name
        link.send_query_prepared(name, values, statement.formats)
        return await self._result(link)

    async def _result(self, link: pq.abc.PGconn) -> pq.abc.PGresult:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[pq.abc.PGresult] = loop.create_future()
        self._answer = answer
        try:
            while link.flush():
                writable = loop.create_future()
                number = link.socket
                loop.add_writer(number, _set, writable)
                try:
                    await asyncio.wait((writable, answer), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    loop.remove_writer(number)
                if answer.done():
                    break
            return await answer
        finally:
            self._answer = None

    def _read(self) -> None:
        """What the loop calls when there is something from Postgres: a result, or the end of the connection."""
        raw = self._connection
        assert raw is not None
        link, answer = raw.pgconn, self._answer
        try:
            link.consume_input()
            while not link.is_busy():
                result = link.get_result()
                if result is None:  # Postgres is ready for the next statement
                    self._settle()
                    break
                self._result_so_far = result
        except psycopg.OperationalError as error:
            self._stop_reading()
            link.finish()
            if answer is not None and not answer.done():
                answer.set_exception(error)
            return

    def _stop_reading(self) -> None:
        if self._socket >= 0:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket = -1

    def _settle(self) -> None:
        result, self._result_so_far = self._result_so_far, None
        if result is not None and self._answer is not None and not self._answer.done():
            self._answer.set_result(result)


def _set(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


def _connection_parameters() -> dict[str, Any]:
    """Where Django connects to; how its own connections behave is its own affair."""
    parameters: dict[str, Any] = connection.get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(name, None)
    return parameters
