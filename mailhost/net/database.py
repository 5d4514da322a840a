"""psycopg's own cursor on Django's connection, for the hot paths; and transactions that read one moment.

Django's cursor binds on the client and sends bytea as text (100 KB in 1.7 ms against 0.66); this one binds on the
server, in binary, and prepares what is asked more than once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection, transaction


@contextmanager
def cursor() -> Iterator[psycopg.Cursor[Any]]:
    """A binary psycopg cursor in Django's current transaction. Its errors are raised as Django's."""
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as raw:
        raw.format = psycopg.pq.Format.BINARY
        yield raw


@contextmanager
def snapshot() -> Iterator[None]:
    """A transaction whose statements all see one moment (REPEATABLE READ).

    Inside another transaction it is simply part of it: that one's isolation cannot be changed any more.
    """
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic(), connection.cursor() as first:
        first.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
