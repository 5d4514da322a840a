"""The inbound trace in the database: written, found, divided by days."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delivery import trace
from delivery.models import InboundTrace
from delivery.models.trace import Outcome
from delivery.trace import Noted
from delivery.verdict_search import search_verdicts

NOW = datetime.now(UTC)
NOTED = Noted(
    at=NOW,
    session="00000000000000aa",
    trace_id="00000000000000bb",
    peer="192.0.2.1",
    helo="mx.far.test",
    tls="TLSv1.3",
    login="",
    reverse_path="Ann@far.test",
    forward_path="Bob@here.test",
    domain="here.test",
    account_id=7,
    message_id="<1@far.test>",
    size_octets=1234,
    outcome=Outcome.ACCEPTED,
    reply="250 2.0.0 Ok",
)
REFUSED = replace(
    NOTED,
    forward_path="nobody@there.test",
    domain="there.test",
    account_id=None,
    outcome=Outcome.REFUSED,
    trace_id="",
)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text",
    [
        "bob@here.test",
        "ANN@FAR.TEST",
        "<1@far.test>",
        "1@far.test",
        "00000000000000bb",
        "00000000000000aa",
        "192.0.2.1",
        "here.test",
    ],
)
def test_a_message_is_found_by_whatever_is_known_of_it(text: str) -> None:
    trace.write([NOTED])
    [row] = trace.search(text=text)
    assert (row.forward_path, row.account_id, row.outcome, row.at) == (
        "Bob@here.test",
        7,
        Outcome.ACCEPTED,
        NOW,
    )


@pytest.mark.django_db
def test_everybody_sees_their_own() -> None:
    trace.write([NOTED, REFUSED])
    assert {row.domain for row in trace.search(text="ann@far.test")} == {"here.test", "there.test"}
    assert [row.domain for row in trace.search(domains=["there.test"])] == ["there.test"]
    assert [row.domain for row in trace.search(account_id=7)] == ["here.test"]
    assert {row.domain for row in trace.search(account_id=7, domains=["there.test"])} == {
        "here.test",
        "there.test",
    }
    assert [row.domain for row in trace.search(account_id=8, domains=["there.test"])] == ["there.test"]
    assert not trace.search(domains=[]).exists()
    assert [row.outcome for row in trace.search(outcomes=[Outcome.REFUSED])] == [Outcome.REFUSED]
    assert not trace.search(since=NOW + timedelta(seconds=1)).exists()
    assert not trace.search(until=NOW).exists()


@pytest.mark.django_db
def test_other_peoples_words_are_cut_and_cleaned() -> None:
    trace.write([replace(NOTED, helo="a\0b" + "x" * 2_000)])
    [row] = trace.search(text="bob@here.test")
    assert row.helo.startswith("abx")
    assert len(row.helo) == trace.MAX_TEXT


@pytest.mark.django_db
def test_days_that_are_over_go_as_a_whole() -> None:
    later = NOW + timedelta(days=3)
    trace.keep_partitions(now=NOW, days=1)
    trace.write([NOTED, replace(NOTED, at=later)])
    with connection.cursor() as sql:
        sql.execute("SELECT count(DISTINCT tableoid) FROM delivery_inboundtrace")
        assert sql.fetchone() == (2,)
    trace.keep_partitions(now=later, days=1)
    assert [row.at for row in InboundTrace.objects.all()] == [later]


@pytest.mark.django_db
def test_a_day_without_a_partition_is_kept_in_the_one_for_the_rest() -> None:
    long_ago = NOW - timedelta(days=40)
    trace.write([replace(NOTED, at=long_ago)])
    trace.keep_partitions(now=long_ago, days=1)  # says so in the log, and goes on
    assert [row.at for row in trace.search(text="bob@here.test")] == [long_ago]
    trace.keep_partitions(now=NOW, days=1)
    assert not trace.search(text="bob@here.test").exists()


@pytest.mark.django_db
@given(words=st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_people_say_stands_in_its_column(words: str) -> None:
    InboundTrace.objects.all().delete()
    trace.write([replace(NOTED, helo=words, reply=f"\\.\t{words}\\N\r\n", account_id=None)])
    [row] = trace.search(text="bob@here.test")
    assert row.helo == words.replace("\0", "")
    assert row.reply == f"\\.\t{words}\\N\r\n".replace("\0", "")
    assert row.account_id is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text", ["bob@here.test", "<1@far.test>", "00000000000000bb", "192.0.2.1", "here.test"]
)
def test_no_search_reads_all_rows(text: str) -> None:
    with connection.cursor() as sql:
        sql.execute("SET LOCAL enable_seqscan = off")  # small tables are read as a whole, where they may be
    plans = [trace.search(text=text).order_by().explain(), search_verdicts(text).order_by().explain()]
    assert ["Seq Scan" in plan for plan in plans] == [False, False]
