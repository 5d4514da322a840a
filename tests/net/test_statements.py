"""Statements from the loop itself: rows, refusals, and a database that goes and comes back."""

import asyncio
import os

import psycopg
import pytest
from django.db import connection

from mailhost.net.database import cursor
from mailhost.net.statements import Statements
from mailhost.net.store_threads import StoreUnavailable
from tests.support.running import run

pytestmark = pytest.mark.usefixtures("shared_db")

END_BACKENDS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query LIKE %s AND pid <> pg_backend_pid()
"""


def end_backends(mark: str) -> int:
    """Ends every connection whose last statement has the mark in it; how many."""
    try:
        with cursor() as sql:
            return len(sql.execute(END_BACKENDS.encode(), (f"%{mark}%",)).fetchall())
    finally:
        connection.close()


def test_rows_come_in_binary_and_each_statement_is_committed() -> None:
    async def scenario() -> None:
        statements = Statements()
        rows = await statements.fetch(b"SELECT %b::bytea, n FROM generate_series(1, %s) n", (b"\x00\xff", 2))
        assert rows == [(b"\x00\xff", 1), (b"\x00\xff", 2)]
        [first], [second] = [
            await statements.fetch(b"SELECT pg_current_xact_id()::text", ()) for _ in range(2)
        ]
        assert first != second
        await statements.close()

    run(scenario())


def test_a_statement_that_is_refused_leaves_the_connection_as_it_was() -> None:
    async def scenario() -> None:
        statements = Statements()
        [before] = await statements.fetch(b"SELECT pg_backend_pid()", ())
        with pytest.raises(psycopg.DataError):
            await statements.fetch(b"SELECT 1 / %s", (0,))
        assert await statements.fetch(b"SELECT pg_backend_pid()", ()) == [before]
        await statements.close()

    run(scenario())


def test_a_connection_that_ended_while_idle_is_replaced_unseen() -> None:
    async def scenario() -> None:
        statements, mark = Statements(), f"idle {os.urandom(4).hex()}"
        await statements.fetch(f"SELECT 1 -- {mark}".encode(), ())
        assert await asyncio.to_thread(end_backends, mark) == 1
        assert await statements.fetch(b"SELECT 2", ()) == [(2,)]
        await statements.close()

    run(scenario())


def test_a_statement_that_is_cut_off_is_told_and_the_next_one_works() -> None:
    async def scenario() -> None:
        statements = Statements()
        with pytest.raises(StoreUnavailable):
            await statements.fetch(b"SELECT pg_terminate_backend(pg_backend_pid())", ())
        assert await statements.fetch(b"SELECT 2", ()) == [(2,)]
        await statements.close()

    run(scenario())


def test_while_the_database_is_away_one_attempt_a_second_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = []

    def nowhere() -> dict[str, str]:
        attempts.append(1)
        return {"host": "/nonexistent", "dbname": "x"}

    async def scenario() -> None:
        statements = Statements()
        monkeypatch.setattr("mailhost.net.statements._connection_parameters", nowhere)
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await statements.fetch(b"SELECT 1", ())
        assert len(attempts) == 1

    run(scenario())
