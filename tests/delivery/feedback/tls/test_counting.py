"""Counting TLS sessions for reports: each once, of domains that ask, and nobody can make the tables grow for ever."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.feedback.tallying import Counted, Tally
from delivery.feedback.tls.counting import (
    MAX_POLICY_CHARACTERS,
    SessionWriter,
    as_session,
    count_sessions,
    forget_sessions,
    seen,
)
from delivery.models import TlsFeedback, TlsFeedbackRow
from delivery.relay.tls.sessions import TlsSession
from mailhost.net.store_threads import StoreUnavailable
from tests.support.dns_server import DnsServer
from tests.support.tls_sessions import session

NOW = datetime(2026, 11, 25, 21, tzinfo=UTC)
LATE = datetime(2026, 11, 26, 1, tzinfo=UTC)
SESSIONS = st.lists(
    st.tuples(
        st.builds(
            session,
            st.sampled_from(["a.test", "b.test"]),
            result=st.sampled_from(["", "certificate-expired", "starttls-not-supported"]),
            ip=st.sampled_from(["192.0.2.1", "2001:db8::1", None]),
        ),
        st.sampled_from([NOW, LATE]),
    ),
    max_size=40,
)


def tallied(sessions: Sequence[tuple[TlsSession, datetime]]) -> list[Counted[None, TlsSession]]:
    tally = Tally[None, TlsSession]()
    for each, at in sessions:
        tally.add(seen(each, now=at))
    return tally.take()


@pytest.mark.django_db(transaction=False)
@given(batches=st.lists(SESSIONS, max_size=4), max_rows=st.integers(1, 4))
def test_every_session_counts_once(batches: list[list[tuple[TlsSession, datetime]]], max_rows: int) -> None:
    TlsFeedback.objects.all().delete()
    for batch in batches:
        count_sessions(tallied(batch), max_rows=max_rows)
    every = [each for batch in batches for each in batch]
    for feedback in TlsFeedback.objects.all():
        own = [one for one, at in every if (one.policy_domain, at.date()) == (feedback.domain, feedback.day)]
        with_row = sum(feedback.rows.values_list("count", flat=True))
        assert feedback.session_count == len(own) == with_row + feedback.left_out
        assert feedback.row_count == feedback.rows.count() <= max_rows
        for row in feedback.rows.all():
            kept = as_session(row.row, domain=feedback.domain)
            assert row.count == own.count(kept) or feedback.left_out
    assert sum(TlsFeedback.objects.values_list("session_count", flat=True)) == len(every)


def test_a_session_counts_on_the_day_of_utc(db: None) -> None:
    west = datetime.fromisoformat("2026-11-25T20:00:00-05:00")
    count_sessions(tallied([(session("utc.test"), west)]))
    assert TlsFeedback.objects.get(domain="utc.test").day.isoformat() == "2026-11-26"


def test_what_strangers_fill_a_row_with_is_bounded(db: None) -> None:
    long = session(
        "LONG.test",
        strings=tuple(f"mx: {number:04}{'x' * 300}" for number in range(1_000)),
        detail="\0odd\ud800" * 1_000,
        result="validation-failure",
    )
    kept = seen(long, now=NOW).row
    assert sum(map(len, kept.policy_strings)) <= MAX_POLICY_CHARACTERS
    assert kept.policy_strings[:2] == long.policy_strings[:2]
    count_sessions(tallied([(long, NOW)]))
    [row] = TlsFeedbackRow.objects.filter(feedback__domain="long.test")
    assert as_session(row.row, domain="long.test") == kept
    assert kept.detail.startswith("odd?odd?")


def test_a_batch_is_a_few_statements_however_much_it_is(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them for each domain: a look that reaches hundreds of domains must not pay for it."""
    executed: list[object] = []
    execute = psycopg.Cursor.execute

    def counting(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        executed.append(query)
        return execute(self, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.Cursor, "execute", counting)
    for domains in (1, 200):
        batch = [(session(f"d{n}.few.test", result=r), NOW) for n in range(domains) for r in ("", "x")]
        executed.clear()
        count_sessions(tallied(batch))
        assert len([each for each in executed if "delivery_tls" in str(each)]) == 5
    assert TlsFeedbackRow.objects.filter(feedback__domain__endswith=".few.test").count() == 400


def test_old_days_are_forgotten_with_their_rows(db: None) -> None:
    old = NOW - timedelta(days=15)
    count_sessions(tallied([(session("old.test"), old), (session("old.test"), NOW)]))
    forget_sessions(now=NOW, days=14)
    assert [each.day for each in TlsFeedback.objects.filter(domain="old.test")] == [NOW.date()]
    assert TlsFeedbackRow.objects.filter(feedback__domain="old.test").count() == 1


def written(dns: DnsServer, sessions: Sequence[TlsSession], *, failures: int = 0) -> dict[str, int]:
    """What reaches the database of these sessions: how many by domain."""
    stored: dict[str, int] = {}
    left = failures

    async def store(counted: Sequence[Counted[None, TlsSession]]) -> None:
        nonlocal left
        if left:
            left -= 1
            raise StoreUnavailable
        for each in counted:
            stored[each.domain] = stored.get(each.domain, 0) + each.total

    async def work() -> None:
        writer = SessionWriter(resolver=dns.resolver(), clock=lambda: NOW, store=store)
        for each in sessions:
            writer.note_session(each)
        for _ in range(1 + failures):
            await writer.close()

    asyncio.run(work())
    return stored


def test_only_domains_that_ask_for_reports_are_counted(dns: DnsServer) -> None:
    dns.say("_smtp._tls.asks.test", "TXT", '"v=TLSRPTv1; rua=mailto:tls@asks.test"')
    dns.say("_smtp._tls.odd.test", "TXT", '"v=TLSRPTv1; rua=ftp://odd.test"')
    dns.say("_smtp._tls.spf.test", "TXT", '"v=spf1 -all"')
    dns.broken.add("_smtp._tls.broken.test")
    names = ["asks.test", "asks.test", "silent.test", "odd.test", "spf.test", "broken.test", "x" * 300]
    assert written(dns, [session(name) for name in names]) == {"asks.test": 2, "broken.test": 1}


def test_a_database_that_is_away_loses_nothing(dns: DnsServer) -> None:
    dns.say("_smtp._tls.asks.test", "TXT", '"v=TLSRPTv1; rua=mailto:tls@asks.test"')
    twice = [session("asks.test"), replace(session("asks.test"), result="certificate-expired")]
    assert written(dns, twice, failures=2) == {"asks.test": 2}
