"""What the site has learned, as a process keeps it in memory."""

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailboxes.junk import site_counts
from mailboxes.junk.classifier import MIN_LESSONS, UNTRAINED
from mailboxes.junk.judging import classify, classify_by_site
from mailboxes.junk.site_counts import Counts, SiteCounts, following_site
from mailboxes.models import JunkCount, JunkTotal
from tests.mailboxes.junk.lessons import JUNK_MAIL, WANTED_MAIL, an_account, teach, train

PILLS, MINUTES = JUNK_MAIL % (77, 77, 77), WANTED_MAIL % (77, 77, 77)

# Some spread over all of 64 bits, as hashes are, and some that crowd together, as nobody's do by chance.
HASHES = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-20, 20), st.integers(2**63 - 40, 2**63 - 1))


@given(st.dictionaries(HASHES, st.tuples(st.integers(0, 99), st.integers(0, 99))), st.lists(HASHES))
def test_of_any_hashes_those_are_found_that_are_there(
    known: dict[int, tuple[int, int]], asked: list[int]
) -> None:
    tokens = np.array(sorted(known), np.int64)
    junk, wanted = (np.array([known[token][row] for token in sorted(known)], np.int32) for row in (0, 1))
    asked += known
    counts = np.full((2, len(asked)), -1, np.int64)
    Counts(tokens, junk, wanted).put_into(counts, np.array(asked, np.int64))
    assert counts.T.tolist() == [[*known.get(token, (-1, -1))] for token in asked]


def test_memory_and_the_database_judge_alike(db: None) -> None:
    taught, other = an_account(), an_account()
    train(taught, count=MIN_LESSONS)
    site = SiteCounts()
    site.look()
    for octets in (PILLS, MINUTES, b"Subject: none of it\r\n\r\n"):
        asked = classify([taught, other], octets)
        assert classify([taught, other], octets, site=site) == asked
        assert classify_by_site(octets, site) == asked[other]
    assert classify_by_site(PILLS, site).is_junk
    assert not classify_by_site(MINUTES, site).is_junk


def test_what_is_learned_later_is_read_with_the_next_look(db: None) -> None:
    account_id = an_account()
    train(account_id, count=MIN_LESSONS)
    site = SiteCounts()
    site.look()
    before = classify_by_site(PILLS, site).score
    site.look()
    assert classify_by_site(PILLS, site).score == before
    # As if it were known since yesterday, with the row that is new on top of it.
    site._base, site._recent = site._recent, site_counts.Counts()
    teach(account_id, PILLS, is_junk=True)
    site.look()
    assert site.totals == (MIN_LESSONS + 1, MIN_LESSONS)
    assert classify_by_site(PILLS, site) == classify([an_account()], PILLS).popitem()[1]


def test_without_lessons_nothing_is_said(db: None) -> None:
    site = SiteCounts()
    site.look()
    assert classify_by_site(PILLS, site) == UNTRAINED
    train(an_account(), count=MIN_LESSONS - 1)
    site.look()
    assert classify_by_site(PILLS, site) == UNTRAINED


def test_what_all_have_unlearned_is_gone(db: None) -> None:
    train(an_account(), count=MIN_LESSONS)
    site = SiteCounts()
    site.look()
    JunkCount.objects.all().delete()
    JunkTotal.objects.all().delete()
    site.look()
    assert classify_by_site(PILLS, site) == UNTRAINED


def test_a_process_reads_them_when_it_starts(shared_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = asyncio.Event()
    look = SiteCounts.look

    async def scenario() -> None:
        loop = asyncio.get_running_loop()

        def watched(counts: SiteCounts) -> None:
            look(counts)
            loop.call_soon_threadsafe(looked.set)

        monkeypatch.setattr(SiteCounts, "look", watched)
        async with following_site() as site:
            await looked.wait()
            assert isinstance(site, SiteCounts)

    asyncio.run(scenario())
