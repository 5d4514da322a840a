"""The store's functions against Postgres: what is written is what is read, and the counts never lie."""

from datetime import UTC, datetime, timedelta

import pytest

from mailboxes.exceptions import (
    InboxIsPermanent,
    MailboxExists,
    MailboxNameInvalid,
    MailboxNotFound,
    QuotaExceeded,
    TooManyKeywords,
)
from mailboxes.models import Account, AccountUsage, Content, Expunged, Mailbox, Message
from mailboxes.store import (
    append,
    append_batch,
    changes,
    content,
    copy_and_move,
    expunge,
    fetch,
    flags,
    hierarchy,
    select,
)
from mailboxes.store.values import NO_FLAGS, Flag, MailboxEntry, NewMessage
from tests.support.hosting import new_account

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
OCTETS = b"From: a@example.org\r\nSubject: Greetings\r\nMessage-ID: <1@example.org>\r\n\r\nHello\r\n"

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return new_account()


def find(account: Account, name: str = "INBOX") -> MailboxEntry:
    return hierarchy.find_mailbox(account_id=account.pk, name=name)


def add(
    account: Account, *, name: str = "INBOX", count: int = 1, flags: Flag = NO_FLAGS, octets: bytes = OCTETS
) -> list[int]:
    messages = [NewMessage(append.prepare(octets), flags) for _ in range(count)]
    mailbox = find(account, name)
    done = append.append(account_id=account.pk, mailbox_id=mailbox.mailbox_id, contents=messages, now=NOW)
    return done.uids


def assert_counts_are_true(account: Account) -> None:
    """Counts in mailbox and usage rows against what is there."""
    rows = Message.objects.filter(mailbox__account=account)
    usage = AccountUsage.objects.get(pk=account.pk)
    assert (usage.messages, usage.octets) == (len(rows), sum(row.size_octets for row in rows))
    for mailbox in Mailbox.objects.filter(account=account):
        mine = [row for row in rows if row.mailbox_id == mailbox.pk]
        assert mailbox.message_count == len(mine)
        assert mailbox.size_octets == sum(row.size_octets for row in mine)
        assert mailbox.unseen_count == sum(not row.flags & Flag.SEEN for row in mine)
        assert mailbox.deleted_count == sum(bool(row.flags & Flag.DELETED) for row in mine)
        assert all(row.uid < mailbox.uid_next and row.modseq <= mailbox.highest_modseq for row in mine)


def test_a_new_account_has_the_usual_mailboxes_subscribed(account: Account) -> None:
    entries = hierarchy.list_mailboxes(account_id=account.pk)
    assert {entry.name: entry.special_use for entry in entries} == hierarchy.DEFAULT_MAILBOXES
    assert all(entry.is_subscribed and entry.exists for entry in entries)


def test_what_is_appended_is_fetched_octet_by_octet(account: Account) -> None:
    octets = bytes(range(256)) * 40 + b"\n.\n\r.\r"
    uids = add(account, octets=octets)
    [(uid, stored)] = fetch.fetch_octets(mailbox_id=find(account).mailbox_id, uids=uids)
    assert (uid, stored) == (1, octets)
    assert fetch.fetch_slice(mailbox_id=find(account).mailbox_id, uid=1, offset=3, length=9) == octets[3:12]
    assert fetch.fetch_slice(mailbox_id=find(account).mailbox_id, uid=9, offset=0, length=9) is None


def test_uids_are_consecutive_and_counts_follow(account: Account) -> None:
    assert add(account, count=3) == [1, 2, 3]
    assert add(account, count=2, flags=Flag.SEEN | Flag.DELETED) == [4, 5]
    entry = find(account)
    assert (entry.uid_next, entry.message_count, entry.unseen_count, entry.deleted_count) == (6, 5, 3, 2)
    assert_counts_are_true(account)


def test_fetch_gives_the_columns_asked_for(account: Account) -> None:
    uids = add(account, count=2)
    mailbox = find(account).mailbox_id
    rows = fetch.fetch_rows(mailbox_id=mailbox, uids=uids, columns=("flags", "subject", "internal_date"))
    assert rows == [(1, 0, "Greetings", NOW), (2, 0, "Greetings", NOW)]
    every = fetch.fetch_rows(mailbox_id=mailbox, uids=[2], columns=tuple(fetch.COLUMNS))
    assert len(every[0]) == len(fetch.COLUMNS) + 1
    assert fetch.fetch_headers(mailbox_id=mailbox, uids=[1]) == [(1, OCTETS[: -len(b"Hello\r\n")])]


def test_an_append_over_quota_changes_nothing() -> None:
    account = new_account("small", quota_octets=len(OCTETS) * 2)
    with pytest.raises(QuotaExceeded) as caught:
        add(account, count=3)
    assert caught.value.account_ids == (account.pk,)
    assert find(account).message_count == 0
    add(account, count=2)
    assert_counts_are_true(account)


def test_in_a_batch_one_full_account_fails_alone(account: Account) -> None:
    small = new_account("small", quota_octets=10)
    prepared = append.prepare(OCTETS)
    mailbox, small_mailbox = find(account), find(small)
    good = append_batch.Item(prepared, [append_batch.Target(account.pk, mailbox.mailbox_id)], NOW)
    full = append_batch.Item(
        prepared,
        [
            append_batch.Target(account.pk, mailbox.mailbox_id),
            append_batch.Target(small.pk, small_mailbox.mailbox_id),
        ],
        NOW,
    )
    append_batch.append_batch([full, good], now=NOW)
    assert isinstance(full.failure, QuotaExceeded)
    assert (good.failure, good.uids) == (None, [1])
    assert_counts_are_true(account)
    assert_counts_are_true(small)


def test_copies_of_one_message_share_one_content(account: Account) -> None:
    other = new_account("other")
    targets = [append_batch.Target(each.pk, find(each).mailbox_id) for each in (account, other)]
    append_batch.append_batch([append_batch.Item(append.prepare(OCTETS), targets, NOW)], now=NOW)
    assert len({message.content_id for message in Message.objects.all()}) == 1


@pytest.mark.parametrize(
    ("mode", "asked", "words", "expected", "expected_words"),
    [
        ("add", Flag.SEEN, ["$Forwarded"], Flag.SEEN | Flag.FLAGGED, ("work", "$Forwarded")),
        ("add", Flag.FLAGGED, ["WORK"], Flag.FLAGGED, ("work",)),
        ("remove", Flag.FLAGGED, ["Work"], Flag(0), ()),
        ("replace", Flag.DELETED, ["new"], Flag.DELETED, ("new",)),
        ("replace", Flag.SEEN, [], Flag.SEEN, ()),
    ],
)
def test_store(
    account: Account,
    mode: flags.Mode,
    asked: Flag,
    words: list[str],
    expected: Flag,
    expected_words: tuple[str, ...],
) -> None:
    mailbox = find(account).mailbox_id
    message = NewMessage(append.prepare(OCTETS), Flag.FLAGGED, ("work",))
    append.append(account_id=account.pk, mailbox_id=mailbox, contents=[message, message], now=NOW)
    before = find(account).highest_modseq
    stored = flags.store_flags(mailbox_id=mailbox, uids=[1], mode=mode, flags=asked, keywords=words, now=NOW)
    view = select.load_view(mailbox_id=mailbox)
    assert (view.flags[0], view.keywords.get(1, ())) == (expected, expected_words)
    assert (view.flags[1], view.keywords[2]) == (Flag.FLAGGED, ("work",))
    is_change = (expected, expected_words) != (Flag.FLAGGED, ("work",))
    assert [row.uid for row in stored.changed] == [1] * is_change
    assert find(account).highest_modseq == before + is_change == view.highest_modseq
    assert_counts_are_true(account)


def test_too_many_keywords_change_nothing(account: Account) -> None:
    add(account)
    mailbox = find(account).mailbox_id
    for words in (["a" * 101], [f"k{number}" for number in range(65)]):
        with pytest.raises(TooManyKeywords):
            flags.store_flags(
                mailbox_id=mailbox, uids=[1], mode="add", flags=Flag(0), keywords=words, now=NOW
            )
    assert select.load_view(mailbox_id=mailbox).keywords == {}


def test_copy_keeps_flags_dates_and_order(account: Account) -> None:
    add(account, count=4, flags=Flag.SEEN)
    source, target = find(account), find(account, "Archive")
    copied = copy_and_move.copy_messages(
        account_id=account.pk,
        mailbox_id=source.mailbox_id,
        uids=[4, 2, 99],
        to_mailbox_id=target.mailbox_id,
        now=NOW + timedelta(hours=1),
    )
    assert (copied.source_uids, copied.uids) == ([2, 4], [1, 2])
    rows = fetch.fetch_rows(
        mailbox_id=target.mailbox_id, uids=[1, 2], columns=("flags", "internal_date", "saved_at")
    )
    assert rows == [(uid, Flag.SEEN, NOW, NOW + timedelta(hours=1)) for uid in (1, 2)]
    assert_counts_are_true(account)


def test_copy_beyond_the_quota_copies_nothing() -> None:
    account = new_account("small", quota_octets=len(OCTETS) * 3)
    add(account, count=2)
    with pytest.raises(QuotaExceeded):
        copy_and_move.copy_messages(
            account_id=account.pk,
            mailbox_id=find(account).mailbox_id,
            uids=[1, 2],
            to_mailbox_id=find(account, "Archive").mailbox_id,
            now=NOW,
        )


def test_nothing_is_copied_into_another_accounts_mailbox(account: Account) -> None:
    other = new_account("other")
    add(account)
    for function in (copy_and_move.copy_messages, copy_and_move.move_messages):
        with pytest.raises(MailboxNotFound):
            function(
                account_id=account.pk,
                mailbox_id=find(account).mailbox_id,
                uids=[1],
                to_mailbox_id=find(other).mailbox_id,
                now=NOW,
            )


@pytest.mark.parametrize("to", ["Archive", "INBOX"])
def test_move_leaves_a_trace_in_the_journal(account: Account, to: str) -> None:
    add(account, count=3)
    source, target = find(account), find(account, to)
    moved = copy_and_move.move_messages(
        account_id=account.pk,
        mailbox_id=source.mailbox_id,
        uids=[1, 3],
        to_mailbox_id=target.mailbox_id,
        now=NOW,
    )
    assert (moved.source_uids, moved.uids) == ([1, 3], [target.uid_next, target.uid_next + 1])
    told = changes.changes_since(
        mailbox_id=source.mailbox_id, modseq=source.highest_modseq, uid_next=source.uid_next
    )
    assert told.vanished == [1, 3]
    assert_counts_are_true(account)


def test_expunge_takes_only_what_is_flagged_and_keeps_it_readable(account: Account) -> None:
    add(account, count=2, flags=Flag.DELETED)
    add(account, count=1)
    mailbox = find(account).mailbox_id
    assert expunge.expunge(mailbox_id=mailbox, uids=[2, 3], now=NOW).uids == [2]
    assert expunge.expunge(mailbox_id=mailbox, now=NOW).uids == [1]
    assert expunge.expunge(mailbox_id=mailbox, now=NOW).uids == []
    assert expunge.expunge(mailbox_id=mailbox, uids=[3], now=NOW, only_deleted=False).uids == [3]
    assert [uid for uid, *_ in fetch.fetch_octets(mailbox_id=mailbox, uids=[1, 2, 3])] == [1, 2, 3]
    assert_counts_are_true(account)


def test_changes_tell_arrivals_flags_and_expunges_once(account: Account) -> None:
    add(account, count=3)
    known = find(account)
    mailbox = known.mailbox_id
    flags.store_flags(mailbox_id=mailbox, uids=[1], mode="add", flags=Flag.SEEN, now=NOW)
    add(account)
    expunge.expunge(mailbox_id=mailbox, uids=[2], now=NOW, only_deleted=False)
    told = changes.changes_since(mailbox_id=mailbox, modseq=known.highest_modseq, uid_next=known.uid_next)
    assert [(row.uid, row.flags) for row in told.changed] == [(1, Flag.SEEN), (4, 0)]
    assert told.vanished == [2]
    again = changes.changes_since(mailbox_id=mailbox, modseq=told.highest_modseq, uid_next=told.uid_next)
    assert (list(again.changed), again.vanished) == ([], [])


def test_arrivals_alone_are_told_too(account: Account) -> None:
    add(account)
    known = find(account)
    add(account, count=2)
    told = changes.changes_since(
        mailbox_id=known.mailbox_id, modseq=known.highest_modseq, uid_next=known.uid_next
    )
    assert [row.uid for row in told.changed] == [2, 3]


def test_recent_messages_are_recent_to_one_session(account: Account) -> None:
    add(account, count=2)
    look = select.select_mailbox(account_id=account.pk, name="inbox", claim_recent=False)
    assert look.first_recent_uid == 1
    first = select.select_mailbox(account_id=account.pk, name="INBOX", claim_recent=True)
    second = select.select_mailbox(account_id=account.pk, name="INBOX", claim_recent=True)
    assert (first.first_recent_uid, second.first_recent_uid) == (1, 3)


def test_creating_makes_the_superior_mailboxes(account: Account) -> None:
    hierarchy.create_mailbox(account_id=account.pk, name="a/b/c", now=NOW)
    names = [entry.name for entry in hierarchy.list_mailboxes(account_id=account.pk)]
    assert {"a", "a/b", "a/b/c"} <= set(names)
    with pytest.raises(MailboxExists):
        hierarchy.create_mailbox(account_id=account.pk, name="a/b", now=NOW)


@pytest.mark.parametrize("name", ["", "/a", "a//b", "a/", "a\0b", "a\nb", "x" * 1001])
def test_names_that_cannot_be(account: Account, name: str) -> None:
    with pytest.raises(MailboxNameInvalid):
        hierarchy.create_mailbox(account_id=account.pk, name=name, now=NOW)


def test_a_name_that_comes_back_has_another_uid_validity(account: Account) -> None:
    first = hierarchy.create_mailbox(account_id=account.pk, name="a", now=NOW)
    hierarchy.set_subscribed(account_id=account.pk, name="a", is_subscribed=True)
    hierarchy.delete_mailbox(account_id=account.pk, name="a", now=NOW)
    with pytest.raises(MailboxNotFound):
        hierarchy.find_mailbox(account_id=account.pk, name="a")
    [entry] = [each for each in hierarchy.list_mailboxes(account_id=account.pk) if each.name == "a"]
    assert (entry.exists, entry.is_subscribed) == (False, True)
    second = hierarchy.create_mailbox(account_id=account.pk, name="a", now=NOW - timedelta(days=9))
    assert second.uid_validity > first.uid_validity
    assert second.is_subscribed


def test_deleting_a_mailbox_frees_its_octets_and_tells_sessions(account: Account) -> None:
    hierarchy.create_mailbox(account_id=account.pk, name="a", now=NOW)
    add(account, name="a", count=2)
    mailbox = find(account, "a")
    hierarchy.delete_mailbox(account_id=account.pk, name="a", now=NOW)
    assert changes.changes_since(mailbox_id=mailbox.mailbox_id, modseq=0, uid_next=1).is_deleted
    assert_counts_are_true(account)
    with pytest.raises(InboxIsPermanent):
        hierarchy.delete_mailbox(account_id=account.pk, name="inbox", now=NOW)


def test_renaming_takes_the_inferior_mailboxes_along(account: Account) -> None:
    hierarchy.create_mailbox(account_id=account.pk, name="a/b", now=NOW)
    hierarchy.create_mailbox(account_id=account.pk, name="ab", now=NOW)
    hierarchy.rename_mailbox(account_id=account.pk, name="a", to="x/y", now=NOW)
    names = {entry.name for entry in hierarchy.list_mailboxes(account_id=account.pk)}
    assert {"x", "x/y", "x/y/b", "ab"} <= names
    assert "a" not in names
    for to, fact in (("x/y/b/c", MailboxNameInvalid), ("Sent", MailboxExists), ("x/y", MailboxExists)):
        with pytest.raises(fact):
            hierarchy.rename_mailbox(account_id=account.pk, name="x/y", to=to, now=NOW)


def test_renaming_inbox_moves_its_messages_and_leaves_it_empty(account: Account) -> None:
    add(account, count=2)
    hierarchy.create_mailbox(account_id=account.pk, name="INBOX/kept", now=NOW)
    hierarchy.rename_mailbox(account_id=account.pk, name="INBOX", to="old", now=NOW)
    assert (find(account).message_count, find(account, "old").message_count) == (0, 2)
    assert find(account, "INBOX/kept").exists
    assert_counts_are_true(account)


def test_content_goes_when_nothing_has_referred_to_it_for_an_hour(account: Account) -> None:
    add(account, count=2)
    mailbox = find(account).mailbox_id
    expunge.expunge(mailbox_id=mailbox, uids=[1], now=NOW, only_deleted=False)
    assert content.remove_unreferenced(now=NOW + timedelta(hours=2)) == 0
    assert content.remove_expired(now=NOW + timedelta(days=20)) == 1
    assert content.remove_unreferenced(now=NOW + timedelta(minutes=30)) == 0
    assert content.remove_unreferenced(now=NOW + timedelta(hours=2)) == 1
    assert (Content.objects.count(), Expunged.objects.count()) == (1, 0)
