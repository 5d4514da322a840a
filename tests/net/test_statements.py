"""Statements from the loop itself: rows, refusals, and a database that goes and comes back."""

import asyncio
import hashlib
import os

import psycopg
import pytest
from django.db import connection

from mailhost.net.database import cursor
from mailhost.net.statements import BYTEA_OID, TEXT_OID, Row, Statement, Statements, binary_array
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


async def ask(statements: Statements, text: str, **values: bytes) -> list[Row]:
    return await statements.fetch(Statement.parse(text), values)


def test_rows_come_as_text_and_each_statement_is_committed() -> None:
    async def scenario() -> None:
        statements = Statements()
        rows = await ask(
            statements,
            "SELECT unnest(%(blobs)b::bytea[]), %(n)s::int + 1, unnest(%(texts)b::text[]), NULL",
            blobs=binary_array([b"\x00\xff", b""], oid=BYTEA_OID),
            texts=binary_array([b"a", "\u00fc".encode()], oid=TEXT_OID),
            n=b"41",
        )
        assert rows == [(b"\\x00ff", b"42", b"a", None), (b"\\x", b"42", "\u00fc".encode(), None)]
        assert await ask(statements, "SELECT unnest(%(x)b::bytea[])", x=binary_array([], oid=BYTEA_OID)) == []
        [first], [second] = [await ask(statements, "SELECT pg_current_xact_id()::text") for _ in range(2)]
        assert first != second
        await statements.close()

    run(scenario())


def test_a_statement_larger_than_any_socket_buffer_gets_through() -> None:
    async def scenario() -> None:
        statements, octets = Statements(), os.urandom(20_000_000)
        [row] = await ask(
            statements,
            "SELECT length(o), sha256(o) FROM unnest(%(x)b::bytea[]) o",
            x=binary_array([octets], oid=BYTEA_OID),
        )
        assert row == (b"20000000", b"\\x" + hashlib.sha256(octets).hexdigest().encode())
        await statements.close()

    run(scenario())


def test_a_statement_that_is_refused_leaves_the_connection_as_it_was() -> None:
    async def scenario() -> None:
        statements = Statements()
        [before] = await ask(statements, "SELECT pg_backend_pid()")
        with pytest.raises(psycopg.DataError):
            await ask(statements, "SELECT 1 / %(n)s::int", n=b"0")
        assert await ask(statements, "SELECT pg_backend_pid()") == [before]
        await statements.close()

    run(scenario())


def test_a_connection_that_ended_while_idle_is_replaced_unseen() -> None:
    async def scenario() -> None:
        statements, mark = Statements(), f"idle {os.urandom(4).hex()}"
        await ask(statements, f"SELECT 1 -- {mark}")
        assert await asyncio.to_thread(end_backends, mark) == 1
        assert await ask(statements, "SELECT 2") == [(b"2",)]
        await statements.close()

    run(scenario())


def test_a_statement_that_is_cut_off_is_told_and_the_next_one_works() -> None:
    async def scenario() -> None:
        statements = Statements()
        with pytest.raises(StoreUnavailable):
            await ask(statements, "SELECT pg_terminate_backend(pg_backend_pid())")
        assert await ask(statements, "SELECT 2") == [(b"2",)]
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
                await ask(statements, "SELECT 1")
        assert len(attempts) == 1

    run(scenario())
