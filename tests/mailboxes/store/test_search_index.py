"""The search index answers what reading every message would answer, whatever was indexed when and in which pieces."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from mailboxes.models import Mailbox, SearchIndex, SearchSegment, SearchWords
from mailboxes.store import search as searching
from mailboxes.store import search_filling, search_index, search_reading, search_text
from mailboxes.store.append import append, prepare
from mailboxes.store.expunge import expunge
from mailboxes.store.hierarchy import delete_mailbox, find_mailbox
from mailboxes.store.search import search
from mailboxes.store.search_filling import fill, shrink, shrunk_mailboxes, waiting_mailboxes
from mailboxes.store.search_index import ReadsMuch
from mailboxes.store.values import NewMessage
from mailhost.protocols.imap import search_keys as k
from tests.support.examples import examples
from tests.support.hosting import new_account

BODY, TEXT = k.TextScope.BODY, k.TextScope.TEXT

# What folding, blanks, SQL's and the index's own marks make difficult.
CHARACTERS = st.sampled_from("abAB éÉßſıİΣς\u0301\u00a0\u2028ﬁ한\\%_*'\"<>&=?\t\n\r\0\x1c-")
SMALL = st.text(CHARACTERS, max_size=12)
NEEDLES = st.one_of(
    st.text(CHARACTERS, max_size=4), st.sampled_from(["ab", "a b", "b a ", "A", "ss", " ", "fi"])
)


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    def encoded() -> bytes:
        text = draw(SMALL).encode()
        how = draw(st.integers(0, 3))
        if how == 0:
            return b"=?utf-8?q?" + b"".join(b"=%02X" % octet for octet in text) + b"?="
        return text.replace(b"\r", b"\r\n ") if how == 1 else text.replace(b"\n", b"").replace(b"\r", b"")

    names = draw(
        st.lists(st.sampled_from([b"Subject", b"From", b"X-a", b"to", b"Cc", b"=?a?q?b"]), max_size=4)
    )
    header = b"".join(b"%b: %b\r\n" % (name, encoded()) for name in names)
    header += draw(st.sampled_from([b"", b"no field\r\n", b" stray\r\n", b"X-a : b\r\n"]))
    body = draw(SMALL).encode(draw(st.sampled_from(["utf-8", "utf-16-le"])))
    kind = draw(
        st.sampled_from(
            [
                b"",
                b"Content-Type: text/html\r\n",
                b"Content-Type: application/x\r\nContent-Disposition: attachment; filename*=utf-8''a%C3%A9b\r\n",
                b"Content-Type: text/plain; charset=utf-16-le\r\n",
                b"Content-Type: multipart/mixed; boundary=x\r\n",
                b"Content-Type: message/rfc822\r\n",
            ]
        )
    )
    if b"multipart" in kind:
        body = b"--x\r\nContent-Type: text/plain\r\nX-Part: a b\r\n\r\n%b\r\n--x--" % body
    return header + kind + b"\r\n" + body


KEYS = st.one_of(
    st.builds(k.TextHolds, st.sampled_from([BODY, TEXT]), NEEDLES),
    st.builds(k.HeaderHolds, st.sampled_from(["Subject", "from", "X-A", "To", "=?a?q?b", "é"]), NEEDLES),
)


@pytest.fixture
def new_mailbox(shared_db: None) -> Callable[[], tuple[int, int]]:
    """Makes an account; its id, and that of its INBOX."""

    def make() -> tuple[int, int]:
        account_id = new_account().pk
        return account_id, find_mailbox(account_id=account_id, name="INBOX").mailbox_id

    return make


def put(account_id: int, mailbox_id: int, *octets: bytes) -> None:
    contents = [NewMessage(prepare(each)) for each in octets]
    append(account_id=account_id, mailbox_id=mailbox_id, contents=contents, now=timezone.now())


def simple(subject: str, body: str = "") -> bytes:
    return f"Subject: {subject}\r\nFrom: Bob <bob@example.test>\r\n\r\n{body}".encode()


def by_reading(mailbox_id: int, key: k.SearchKey) -> list[int]:
    """Without the index."""
    return searching._scan(mailbox_id, key, (0, 1 << 32), is_patient=True)


@pytest.mark.parametrize(
    ("at_once", "inline", "slices", "indexed_octets"),
    [(1_000, 65_536, 300, 1 << 20), (2, 0, 300, 1 << 20), (3, 0, 0, 60), (1, 65_536, 0, 30)],
)
def test_the_index_finds_what_reading_finds(
    new_mailbox: Callable[[], tuple[int, int]],
    monkeypatch: pytest.MonkeyPatch,
    at_once: int,
    inline: int,
    slices: int,
    indexed_octets: int,
) -> None:
    monkeypatch.setattr(search_filling, "MESSAGES_AT_ONCE", at_once)
    monkeypatch.setattr(search_filling, "MERGE_RATIO", 1)
    monkeypatch.setattr(search_reading, "WORDS", search_reading.WORDS.replace("<= 65536", f"<= {inline}"))
    monkeypatch.setattr(search_reading, "MAX_SLICES", slices)
    monkeypatch.setattr(search_text, "MAX_INDEXED_OCTETS", indexed_octets)

    @examples(25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(
        st.lists(messages(), min_size=1, max_size=8),
        st.lists(messages(), max_size=3),
        st.lists(KEYS, min_size=3, max_size=8),
        st.sets(st.integers(1, 8), max_size=3),
    )
    def agree(indexed: list[bytes], late: list[bytes], keys: list[k.SearchKey], gone: set[int]) -> None:
        account_id, mailbox_id = new_mailbox()
        put(account_id, mailbox_id, *indexed)
        assert fill(mailbox_id=mailbox_id)
        expunge(mailbox_id=mailbox_id, uids=sorted(gone), now=timezone.now(), only_deleted=False)
        if late:
            put(account_id, mailbox_id, *late)
        keys = [*keys, k.Not(keys[0]), k.And((keys[0], k.Not(keys[1]))), k.Or((keys[0], keys[1], keys[2]))]
        expected = [by_reading(mailbox_id, key) for key in keys]
        assert [search(mailbox_id=mailbox_id, key=key) for key in keys] == expected
        assert fill(mailbox_id=mailbox_id)
        assert [search(mailbox_id=mailbox_id, key=key) for key in keys] == expected
        shrink(mailbox_id=mailbox_id, now=timezone.now())
        assert [search(mailbox_id=mailbox_id, key=key) for key in keys] == expected

    agree()


def test_what_has_no_blank_is_answered_without_reading(
    new_mailbox: Callable[[], tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id, mailbox_id = new_mailbox()
    put(
        account_id,
        mailbox_id,
        simple("An apple", "red"),
        simple("pear", "green <b>x</b>"),
        simple("x", "red"),
    )
    fill(mailbox_id=mailbox_id)
    monkeypatch.setattr(searching, "fetch_octets", None)
    monkeypatch.setattr(searching, "fetch_headers", None)
    answers: list[tuple[k.SearchKey, list[int]]] = [
        (k.TextHolds(BODY, "E"), [1, 2, 3]),
        (k.TextHolds(BODY, "reD"), [1, 3]),
        (k.TextHolds(TEXT, "APP"), [1]),
        (k.HeaderHolds("Subject", "n app"), [1]),
        (k.HeaderHolds("FROM", "bob <"), [1, 2, 3]),
        (k.HeaderHolds("X-None", ""), []),
        (k.HeaderHolds("subject", ""), [1, 2, 3]),
        (k.TextHolds(BODY, ""), [1, 2, 3]),
        (k.Not(k.TextHolds(BODY, "red")), [2]),
        (k.And((k.Not(k.HasFlag("\\Seen")), k.TextHolds(BODY, "red"))), [1, 3]),
    ]
    for key, found in answers:
        assert search(mailbox_id=mailbox_id, key=key) == found, key


def test_many_segments_become_few(
    new_mailbox: Callable[[], tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_filling, "MESSAGES_AT_ONCE", 4)
    account_id, mailbox_id = new_mailbox()
    put(account_id, mailbox_id, *(simple(f"number {number}.", f"word{number % 3}") for number in range(100)))
    fill(mailbox_id=mailbox_id)
    segments = SearchSegment.objects.filter(index_id=mailbox_id).order_by("first_uid")
    assert 1 <= len(segments) <= 6
    bounds = [(segment.first_uid, segment.last_uid) for segment in segments]
    assert bounds[0][0] == 1
    assert bounds[-1][1] == 100
    assert all(left[1] + 1 == right[0] for left, right in pairwise(bounds))
    assert sum(segment.message_count for segment in segments) == 100
    assert search(mailbox_id=mailbox_id, key=k.HeaderHolds("Subject", "number 7.")) == [8]
    assert search(mailbox_id=mailbox_id, key=k.TextHolds(BODY, "word2")) == list(range(3, 101, 3))


def test_a_mailbox_waits_until_enough_is_not_indexed(new_mailbox: Callable[[], tuple[int, int]]) -> None:
    def waits(mailbox_id: int) -> bool:
        return mailbox_id in waiting_mailboxes(limit=100_000)

    account_id, mailbox_id = new_mailbox()
    assert not waits(mailbox_id)
    put(account_id, mailbox_id, *(simple("x") for _ in range(search_filling.WAITING_MESSAGES - 1)))
    assert not waits(mailbox_id)
    put(account_id, mailbox_id, simple("x"))
    assert waits(mailbox_id)
    assert fill(mailbox_id=mailbox_id)
    assert not waits(mailbox_id)
    put(account_id, mailbox_id, simple("large", "x" * search_filling.WAITING_OCTETS))
    assert waits(mailbox_id)
    fill(mailbox_id=mailbox_id)
    assert not waits(mailbox_id)


def test_one_that_ends_in_the_middle_is_taken_up_again(
    new_mailbox: Callable[[], tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_filling, "MESSAGES_AT_ONCE", 2)
    account_id, mailbox_id = new_mailbox()
    put(account_id, mailbox_id, *(simple(f"s{number}") for number in range(7)))
    over = iter([False, False, True])
    assert not fill(mailbox_id=mailbox_id, is_over=lambda: next(over))
    assert SearchIndex.objects.get(pk=mailbox_id).indexed_to == 4
    assert search(mailbox_id=mailbox_id, key=k.HeaderHolds("subject", "s")) == [1, 2, 3, 4, 5, 6, 7]
    assert fill(mailbox_id=mailbox_id)
    assert SearchIndex.objects.get(pk=mailbox_id).indexed_to == 7


def test_two_that_fill_at_once_do_no_harm(
    new_mailbox: Callable[[], tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_filling, "MESSAGES_AT_ONCE", 3)
    account_id, mailbox_id = new_mailbox()
    put(account_id, mailbox_id, *(simple(f"s{number}", f"b{number}") for number in range(40)))
    begin = threading.Barrier(2)
    failures: list[BaseException] = []

    def work() -> None:
        begin.wait()
        try:
            while not fill(mailbox_id=mailbox_id):
                pass
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    segments = SearchSegment.objects.filter(index_id=mailbox_id).order_by("first_uid")
    uids = [uid for segment in segments for uid in memoryview(segment.uids).cast("I")]
    assert uids == list(range(1, 41))
    assert SearchIndex.objects.get(pk=mailbox_id).indexed_to == 40


def test_words_of_messages_that_are_gone_go_too(new_mailbox: Callable[[], tuple[int, int]]) -> None:
    account_id, mailbox_id = new_mailbox()
    put(account_id, mailbox_id, simple("a", "secretword"), simple("b", "otherword"))
    fill(mailbox_id=mailbox_id)
    expunge(mailbox_id=mailbox_id, uids=[1], now=timezone.now(), only_deleted=False)
    long_ago = datetime(2024, 1, 1, tzinfo=UTC)
    assert mailbox_id not in shrunk_mailboxes(checked_before=long_ago, limit=100_000)
    assert mailbox_id in shrunk_mailboxes(checked_before=timezone.now() + timedelta(days=1), limit=100_000)
    shrink(mailbox_id=mailbox_id, now=timezone.now() + timedelta(days=2))
    words = b"".join(bytes(row.words) for row in SearchWords.objects.filter(segment__index_id=mailbox_id))
    assert b"secretword" not in words
    assert b"otherword" in words
    assert SearchIndex.objects.get(pk=mailbox_id).message_count == 1
    assert mailbox_id not in shrunk_mailboxes(
        checked_before=timezone.now() + timedelta(days=1), limit=100_000
    )


def test_a_deleted_mailbox_loses_its_index(new_mailbox: Callable[[], tuple[int, int]]) -> None:
    account_id, _ = new_mailbox()
    mailbox_id = find_mailbox(account_id=account_id, name="Archive").mailbox_id
    put(account_id, mailbox_id, simple("a"))
    fill(mailbox_id=mailbox_id)
    delete_mailbox(account_id=account_id, name="Archive", now=timezone.now())
    assert Mailbox.objects.get(pk=mailbox_id).deleted_at is not None
    shrink(mailbox_id=mailbox_id, now=timezone.now())
    assert not SearchIndex.objects.filter(pk=mailbox_id).exists()
    assert not SearchSegment.objects.filter(index_id=mailbox_id).exists()


def test_a_merge_in_the_middle_of_a_search_is_no_matter(
    new_mailbox: Callable[[], tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id, mailbox_id = new_mailbox()
    put(account_id, mailbox_id, simple("apple"))
    fill(mailbox_id=mailbox_id)
    looked = search_reading.look

    def look(*arguments: object) -> None:
        monkeypatch.undo()
        put(account_id, mailbox_id, simple("apple"))
        fill(mailbox_id=mailbox_id)
        looked(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(search_index, "look", look)
    assert search(mailbox_id=mailbox_id, key=k.HeaderHolds("subject", "apple")) == [1, 2]


@pytest.mark.parametrize("is_indexed", [False, True])
def test_who_has_no_patience_is_told_of_much_reading(
    new_mailbox: Callable[[], tuple[int, int]], is_indexed: bool
) -> None:
    account_id, mailbox_id = new_mailbox()
    put(account_id, mailbox_id, *(simple("x", "two words") for _ in range(searching.FEW_MESSAGES + 1)))
    if is_indexed:
        fill(mailbox_id=mailbox_id)
    told = []
    for needle in ("two words", "words"):
        try:
            search(mailbox_id=mailbox_id, key=k.TextHolds(BODY, needle), is_patient=False)
        except ReadsMuch:
            told.append(needle)
    assert told == (["two words"] if is_indexed else ["two words", "words"])


def test_who_has_no_patience_is_told_of_an_index_too_large(
    new_mailbox: Callable[[], tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id, mailbox_id = new_mailbox()
    put(account_id, mailbox_id, simple("x"))
    fill(mailbox_id=mailbox_id)
    key = k.Or((k.TextHolds(BODY, "a"), k.TextHolds(TEXT, "x")))
    assert search(mailbox_id=mailbox_id, key=key, is_patient=False) == [1]
    monkeypatch.setattr(search_index, "FEW_OCTETS", 1)
    with pytest.raises(ReadsMuch):
        search(mailbox_id=mailbox_id, key=key, is_patient=False)
    assert search(mailbox_id=mailbox_id, key=key) == [1]


def test_what_folding_makes_large_is_not_indexed_and_found_all_the_same(
    new_mailbox: Callable[[], tuple[int, int]],
) -> None:
    account_id, mailbox_id = new_mailbox()
    body = " ".join(f"뷁뷁뷁{number}" for number in range(40_000))  # 9 octets become 27
    put(account_id, mailbox_id, simple("x", body), simple("y"))
    fill(mailbox_id=mailbox_id)
    assert bytes(SearchSegment.objects.get(index_id=mailbox_id).unread) == b"\0\0"
    assert search(mailbox_id=mailbox_id, key=k.TextHolds(BODY, "뷁39999")) == [1]
