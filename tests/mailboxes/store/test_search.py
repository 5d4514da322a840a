"""Searching a mailbox: SQL and predicates agree whatever the key, and texts are found wherever they stand."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from mailboxes.store.append import append, prepare
from mailboxes.store.fetch import fetch_rows
from mailboxes.store.hierarchy import find_mailbox
from mailboxes.store.search import count_from, first_unseen, search
from mailboxes.store.search_candidates import Candidate
from mailboxes.store.search_predicates import compile_predicate
from mailboxes.store.values import Flag, NewMessage
from mailhost.protocols.imap import search_keys as k
from tests.support.examples import examples
from tests.support.hosting import new_account

DAYS = st.sampled_from([date(2024, 5, day) for day in range(4, 9)] + [date.min, date.max])
COMPARISONS = st.sampled_from(list(k.Comparison))
LEAVES = st.one_of(
    st.just(k.Everything()),
    st.sampled_from(["\\Seen", "\\Flagged", "\\Deleted"]).map(k.HasFlag),
    st.sampled_from(["a", "A", "b"]).map(k.HasKeyword),
    st.builds(k.SizeIs, st.booleans(), st.integers(0, 200)),
    st.builds(k.InternalDateIs, COMPARISONS, DAYS),
    st.builds(k.SentDateIs, COMPARISONS, DAYS),
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=3).map(
        lambda pairs: k.Uids(tuple((min(pair), max(pair)) for pair in pairs))
    ),
    st.builds(
        k.InternalMomentIs,
        st.booleans(),
        DAYS.map(lambda day: datetime(day.year, day.month, day.day, 12, tzinfo=UTC)),
    ),
    st.builds(k.ModseqIs, st.integers(0, 4)),
    st.sampled_from([k.Nothing(), k.EmailIdIs("E0"), k.EmailIdIs("M1"), k.EmailIdIs("E" + "9" * 30)]),
    st.builds(k.HeaderHolds, st.sampled_from(["Subject", "From"]), st.sampled_from(["", "on", "E"])),
    st.builds(k.TextHolds, st.sampled_from(list(k.TextScope)), st.sampled_from(["body", "on"])),
)
KEYS: st.SearchStrategy[k.SearchKey] = st.recursive(
    LEAVES,
    lambda keys: st.one_of(
        keys.map(k.Not),
        st.lists(keys, min_size=1, max_size=3).map(lambda some: k.And(tuple(some))),
        st.lists(keys, min_size=1, max_size=3).map(lambda some: k.Or(tuple(some))),
    ),
    max_leaves=6,
)


@pytest.fixture
def mailbox_of(shared_db: None) -> Callable[..., int]:
    """Makes a mailbox that holds these messages; its id."""

    def make(*messages: NewMessage) -> int:
        account_id = new_account().pk
        mailbox_id = find_mailbox(account_id=account_id, name="INBOX").mailbox_id
        append(account_id=account_id, mailbox_id=mailbox_id, contents=messages, now=timezone.now())
        return mailbox_id

    return make


def message(octets: bytes, **fields: object) -> NewMessage:
    return NewMessage(prepare(octets), **fields)  # type: ignore[arg-type]


def seven() -> list[NewMessage]:
    """Messages that differ in everything that keys ask about."""
    texts = [b"one", b"two", b"three", b"", b"on", b"four", b"five"]
    return [
        message(
            b"Date: Mon, %d May 2024 23:30:00 %b\r\nSubject: %b\r\n\r\n%b\r\n"
            % (4 + number % 4, [b"+1400", b"-1200", b"+0000"][number % 3], text, text * number + b"body")
            if text
            else b"From: only\r\n\r\n",
            flags=Flag(number),
            keywords=(("A",), ("b",), ())[number % 3],
            internal_date=datetime(2024, 5, 4 + number % 5, 12, tzinfo=UTC),
        )
        for number, text in enumerate(texts)
    ]


def test_sql_and_predicates_agree(mailbox_of: Callable[..., int]) -> None:
    messages = seven()
    mailbox_id = mailbox_of(*messages)
    wanted = ("saved_at", "modseq", "content_id")
    rows = fetch_rows(mailbox_id=mailbox_id, uids=range(1, 8), columns=wanted)
    columns = {row[0]: row[1:] for row in rows}
    content_ids = [row[3] for row in rows]
    saved_on = rows[0][1].astimezone(UTC).date()

    def by_predicate(key: k.SearchKey) -> list[int]:
        predicate, _ = compile_predicate(key)
        found = []
        for uid, one in enumerate(messages, start=1):
            worked_out, octets = one.content.worked_out, one.content.octets
            assert one.internal_date is not None
            saved_at, modseq, content_id = columns[uid]
            candidate = Candidate(
                mailbox_id,
                uid,
                int(one.flags),
                list(one.keywords),
                one.internal_date,
                *(saved_at, modseq, content_id),
                len(octets),
                worked_out.sent_at,
                worked_out.header_octets,
            )
            candidate.octets, candidate.header = octets, octets[: worked_out.header_octets]
            if predicate(candidate):
                found.append(uid)
        return found

    @examples(150, suppress_health_check=[HealthCheck.too_slow])
    @given(
        KEYS,
        st.sampled_from(content_ids).map(lambda content_id: k.EmailIdIs(f"E{content_id}")),
        st.builds(k.SavedDateIs, COMPARISONS, st.sampled_from([saved_on, saved_on + timedelta(days=1)])),
    )
    def agree(key: k.SearchKey, email_id: k.EmailIdIs, saved: k.SavedDateIs) -> None:
        assert search(mailbox_id=mailbox_id, key=key) == by_predicate(key)
        own = k.Or((email_id, k.And((saved, key))))
        assert search(mailbox_id=mailbox_id, key=own) == by_predicate(own)

    agree()


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"Content-Type: text/plain; charset=koi8-r\r\n\r\n\xf0\xd2\xc9\xd7\xc5\xd4\r\n", "ПРИВЕТ"),
        (
            b"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nso=\r\nft =C3=A9\r\n",
            "soft É",
        ),
        (b"Content-Type: text/html\r\n\r\n<p>Tofu</p>", "tofu"),
        (b"Content-Type: text/plain; charset=x-unknown\r\n\r\nplain", "PLAIN"),
        (
            b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + b"x" * 1_048_570 + "Straße am Rand".encode(),
            "STRASSE AM RAND",
        ),
        (b"Content-Type: text/plain; charset=utf-8\r\n\r\ne\xcc\x81t\xc3\xa9", "ÉTÉ"),
    ],
)
def test_bodies_are_decoded_and_compared_caselessly(
    mailbox_of: Callable[..., int], octets: bytes, text: str
) -> None:
    mailbox_id = mailbox_of(message(octets), message(b"Subject: other\r\n\r\nnothing"))
    assert search(mailbox_id=mailbox_id, key=k.TextHolds(k.TextScope.BODY, text)) == [1]


def test_headers_of_parts_belong_to_text_and_not_to_body(mailbox_of: Callable[..., int]) -> None:
    from tests.conversations.imap.messages import MULTIPART

    mailbox_id = mailbox_of(message(MULTIPART))
    assert search(mailbox_id=mailbox_id, key=k.TextHolds(k.TextScope.TEXT, "carol")) == [1]
    assert search(mailbox_id=mailbox_id, key=k.TextHolds(k.TextScope.BODY, "carol")) == []
    assert search(mailbox_id=mailbox_id, key=k.HeaderHolds("From", "carol")) == []


def test_counts(mailbox_of: Callable[..., int]) -> None:
    mailbox_id = mailbox_of(
        message(b"a\r\n\r\n", flags=Flag.SEEN), message(b"b\r\n\r\n"), message(b"c\r\n\r\n")
    )
    assert first_unseen(mailbox_id=mailbox_id) == 2
    assert count_from(mailbox_id=mailbox_id, uid=2, below=3) == 1
