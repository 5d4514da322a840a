"""How the search reads: by indexes, whatever is looked for."""

import pytest
from django.db import connection

from delivery.trace.asking import EVERYTHING, Asked, Scope
from delivery.trace.searching import Found, find
from mailhost.net.database import cursor
from tests.delivery.trace.test_searching import NOW

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "asked",
    [
        Asked(text="bob@here.test"),
        Asked(text="<1@far.test>"),
        Asked(text="192.0.2.1"),
        Asked(text="Q17"),
        Asked(sender="a@b.test"),
        Asked(recipient="a@b.test"),
        Asked(subject="words"),
        Asked(address="192.0.2.1"),
        Asked(states=("bounced", "refused")),
        Asked(),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "scope",
    [EVERYTHING, Scope(domains=("a.test", "b.test"), account_id=7, login="x@a.test")],
    ids=["all", "some"],
)
def test_no_search_reads_all_rows(asked: Asked, scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    statements = explained(monkeypatch)
    with connection.cursor() as sql:
        sql.execute("SET LOCAL enable_seqscan = off")  # small tables are read as a whole, where they may be
    find(asked, scope, limit=10, now=NOW)
    assert statements
    for plan in statements:
        assert "Seq Scan" not in plan, plan


def explained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The plans of what the search asks, as it asks it."""
    from delivery.trace import searching

    plans = []
    read = searching._read

    def explaining(source: searching.Source, statement: str, values: dict[str, object]) -> list[Found]:
        if statement:
            with cursor() as sql:
                rows = sql.execute(b"EXPLAIN " + statement.encode(), values)
                plans.append("\n".join(str(row[0]) for row in rows))
        return read(source, statement, values)

    monkeypatch.setattr(searching, "_read", explaining)
    return plans
