"""Counting messages for reports: every message counts once, and nobody can make the tables grow without bounds."""

import threading
from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from delivery.feedback.counting import as_row, count_messages, forget_feedback
from delivery.feedback.observing import Head, Observation
from delivery.feedback.tallying import Tally
from delivery.models import DmarcFeedback, DmarcFeedbackRow, FeedbackState
from mailhost.protocols.dmarc.aggregate_reports import Row
from mailhost.protocols.dmarc.record import ReportUri
from tests.support.observing import DAY, NEXT_MORNING, observation

SEEN = st.lists(
    st.builds(
        observation,
        st.sampled_from(["a.test", "b.test", "c.test"]),
        ip=st.sampled_from(["192.0.2.1", "2001:db8::1", "192.0.2.3"]),
        day=st.sampled_from([DAY, DAY + timedelta(days=1)]),
        p=st.sampled_from(["none", "reject"]),
    ),
    max_size=60,
)


def tallied(seen: Sequence[Observation], *, max_rows: int = 1_000) -> Tally[Head, Row]:
    tally = Tally[Head, Row](max_rows=max_rows)
    for each in seen:
        tally.add(each)
    return tally


def counted_in_database(domain: str) -> tuple[int, int, int]:
    """(messages, messages with a row, messages without one)."""
    [feedback] = DmarcFeedback.objects.filter(domain=domain)
    with_row = sum(feedback.rows.values_list("count", flat=True))
    assert feedback.rows.count() == feedback.row_count
    return feedback.message_count, with_row, feedback.left_out


@given(SEEN, st.integers(3, 6))
def test_every_message_counts_once_in_memory(seen: list[Observation], max_rows: int) -> None:
    tally = tallied(seen, max_rows=1_000)
    taken = tally.take()
    assert sum(each.total for each in taken) == len(seen)
    assert sum(sum(each.rows.values()) for each in taken) == len(seen)
    assert not tally
    again = Tally[Head, Row](max_rows=1_000)
    again.put_back(taken)
    again.put_back(taken)
    assert sum(each.total for each in again.take()) == 2 * len(seen)
    small = tallied(seen, max_rows=max_rows).take()
    assert sum(len(each.rows) for each in small) <= max_rows
    assert sum(each.total for each in small) <= len(seen)


@pytest.mark.django_db(transaction=False)
@given(batches=st.lists(SEEN, max_size=4), max_rows=st.integers(1, 4))
def test_every_message_counts_once_in_the_database(batches: list[list[Observation]], max_rows: int) -> None:
    DmarcFeedback.objects.all().delete()
    for batch in batches:
        count_messages(tallied(batch).take(), max_rows=max_rows)
    seen = [each for batch in batches for each in batch]
    for feedback in DmarcFeedback.objects.all():
        own = [each for each in seen if (each.day, each.policy.domain) == (feedback.day, feedback.domain)]
        with_row = sum(feedback.rows.values_list("count", flat=True))
        assert feedback.message_count == len(own) == with_row + feedback.left_out
        assert feedback.row_count == feedback.rows.count() <= max_rows
    assert sum(DmarcFeedback.objects.values_list("message_count", flat=True)) == len(seen)


def test_a_row_comes_back_as_it_was(db: None) -> None:
    seen = observation()
    count_messages(tallied([seen] * 3).take())
    [row] = DmarcFeedbackRow.objects.filter(feedback__domain="far.test")
    restored = as_row(row.row, count=row.count)
    assert restored.count == 3
    assert as_row(row.row, count=1) == seen.row


def test_the_policy_that_was_seen_last_is_kept(db: None) -> None:
    count_messages(tallied([observation(p="none")]).take())
    moved = (ReportUri("mailto:new@far.test", 1024),)
    count_messages(tallied([observation(p="reject", uris=moved)]).take())
    [feedback] = DmarcFeedback.objects.filter(domain="far.test")
    assert feedback.policy["p"] == "reject"
    assert feedback.uris == [{"uri": "mailto:new@far.test", "max_octets": 1024}]
    assert counted_in_database("far.test") == (2, 2, 0)


def test_made_up_names_fill_no_table(db: None) -> None:
    """Five thousand names below one domain, and a thousand domains."""
    day = DAY - timedelta(days=1)  # no other test's
    flood = [observation(day=day, header_from=f"x{number}.far.test") for number in range(5_000)]
    for start in range(0, 5_000, 1_000):
        count_messages(tallied(flood[start : start + 1_000], max_rows=5_000).take(), max_rows=300)
    assert counted_in_database("far.test") == (5_000, 300, 4_700)
    domains = [observation(f"d{number}.test", day=day) for number in range(1_000)]
    count_messages(tallied(domains, max_rows=5_000).take(), max_domains=100)
    count_messages(tallied([*domains, flood[0]], max_rows=5_000).take(), max_domains=100)
    assert DmarcFeedback.objects.filter(day=day).count() == 100
    assert DmarcFeedback.objects.get(domain="far.test").message_count == 5_001


def test_what_comes_after_the_report_was_made_is_not_added_to_it(db: None) -> None:
    count_messages(tallied([observation()]).take())
    DmarcFeedback.objects.filter(domain="far.test").update(state=FeedbackState.SENT)
    count_messages(tallied([observation()]).take())
    assert counted_in_database("far.test") == (1, 1, 0)


def test_processes_that_count_at_once_lose_nothing(shared_db: None) -> None:
    seen = [
        observation(f"busy{number}.test", ip=ip) for number in range(20) for ip in ("192.0.2.1", "192.0.2.2")
    ]
    start = threading.Barrier(4)

    def work(order: int) -> None:
        start.wait()
        for _ in range(5):
            count_messages(tallied(seen[::order]).take())
        connection.close()

    threads = [threading.Thread(target=work, args=(order,)) for order in (1, -1, 1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(20):
        assert counted_in_database(f"busy{number}.test") == (40, 40, 0)
    DmarcFeedback.objects.filter(domain__startswith="busy").delete()


def test_old_days_are_forgotten_with_their_rows(db: None) -> None:
    old = DAY - timedelta(days=15)
    count_messages(tallied([observation(day=old), observation()]).take())
    forget_feedback(now=NEXT_MORNING, days=14)
    assert list(DmarcFeedback.objects.filter(domain="far.test").values_list("day", flat=True)) == [DAY]
    assert DmarcFeedbackRow.objects.filter(feedback__domain="far.test").count() == 1
