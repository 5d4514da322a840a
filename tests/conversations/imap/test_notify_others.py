"""NOTIFY of mailboxes that are not selected (RFC 5465 section 5): STATUS for messages, LIST for names, METADATA."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from pytest_django import Settings

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

Talk = Callable[[str], dict[str, str]]
Meet = Callable[[str], dict[str, str]]
Put = Callable[..., int]


def test_messages_of_other_mailboxes(talk: Talk, put: Put) -> None:
    put("one", name="Archive")
    talk("""
        1C: a NOTIFY SET STATUS (MAILBOXES (INBOX Archive nowhere) (MessageNew MessageExpunge))
        1S: * STATUS Archive (MESSAGES 1 UIDNEXT 2 UIDVALIDITY {v})
        1S: * STATUS INBOX (MESSAGES 0 UIDNEXT 1 UIDVALIDITY {w})
        1S: a OK NOTIFY completed
    """)
    put("two", name="Archive")
    put("three", name="Trash")
    talk("""
        1S: * STATUS Archive (UIDNEXT 3 MESSAGES 2)
        2C: s SELECT Archive
        2S~ s OK …
        2C: a STORE 1 +FLAGS (\\Deleted)
        2S~ a OK …
        2C: b EXPUNGE
        2S~ b OK …
        1S: * STATUS Archive (UIDNEXT 3 MESSAGES 1)
        1C: b NOTIFY NONE
        1S: b OK …
    """)
    put("four", name="Archive")
    talk("1C: c NOOP\n1S: c OK …")


def test_flags_of_other_mailboxes(talk: Talk, put: Put) -> None:
    """Section 5.1: without CONDSTORE there is nothing to be told but what is unseen."""
    put("one")
    talk("""
        1C: a NOTIFY SET STATUS (INBOXES (MessageNew MessageExpunge FlagChange))
        1S: * STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY {v} UNSEEN 1 HIGHESTMODSEQ {one})
        1S: a OK …
        2C: s SELECT INBOX
        2S~ s OK …
        2C: a STORE 1 +FLAGS (\\Flagged)
        2S~ a OK …
        2C: b STORE 1 +FLAGS (\\Seen)
        2S~ b OK …
        1S: * STATUS INBOX (UNSEEN 0 UIDVALIDITY {v})
        1C: b ENABLE CONDSTORE
        1S~ b OK …
        2C: c STORE 1 -FLAGS (\\Flagged)
        2S~ c OK …
        1S: * STATUS INBOX (UIDVALIDITY {v} HIGHESTMODSEQ {two})
    """)
    put("two")
    talk("1S: * STATUS INBOX (UIDNEXT 3 MESSAGES 2 UNSEEN 1 UIDVALIDITY {v} HIGHESTMODSEQ {three})")


def test_modseqs_are_told_where_they_are_enabled(talk: Talk, put: Put) -> None:
    talk("""
        C: e ENABLE CONDSTORE
        S~ e OK …
        C: a NOTIFY SET STATUS (SUBTREE INBOX (MessageNew MessageExpunge))
        S: * STATUS INBOX (MESSAGES 0 UIDNEXT 1 UIDVALIDITY {v} HIGHESTMODSEQ {one})
        S: a OK …
    """)
    put("one")
    talk("S: * STATUS INBOX (UIDNEXT 2 MESSAGES 1 HIGHESTMODSEQ {two})")


def test_the_selected_mailbox_is_told_in_its_own_way_and_then_as_others_again(talk: Talk, put: Put) -> None:
    """Section 3.1: what is asked for of others does not concern it."""
    talk("""
        C: a NOTIFY SET (SELECTED (MessageNew (UID) MessageExpunge)) (PERSONAL (MessageNew MessageExpunge))
        S: a OK …
        C: s SELECT INBOX
        S~ s OK …
    """)
    put("one")
    talk("""
        S: * 1 EXISTS
        S: * 1 RECENT
        S: * 1 FETCH (UID 1)
        C: b NOTIFY SET STATUS (MAILBOXES (INBOX Trash) (MessageNew MessageExpunge))
        S: * STATUS Trash (MESSAGES 0 UIDNEXT 1 UIDVALIDITY {v})
        S: b OK …
    """)
    put("two")
    talk("""
        C: c NOOP
        S: c OK …
        C: d UNSELECT
        S: * STATUS INBOX (UIDNEXT 3 MESSAGES 2)
        S: d OK …
        C: e NOOP
        S: e OK …
    """)
    put("three")
    talk("S: * STATUS INBOX (UIDNEXT 4 MESSAGES 3)")


def test_one_s_own_messages_are_no_news(talk: Talk, put: Put) -> None:
    put("one")
    talk("""
        1C: s SELECT INBOX
        1S~ s OK …
        1C: a NOTIFY SET (PERSONAL (MessageNew MessageExpunge))
        1S: a OK …
        1C: b APPEND Archive {5+}
        1C: Hello
        1S: b OK …
        1C: c APPEND Archive {5+}
        1C| Hello {5+}\\r\\nHello\\r\\n
        1S: c OK …
        1C: d UID COPY 1 Archive
        1S: d OK …
        1C: e UID MOVE 1 Archive
        1S: * OK [COPYUID {v} 1 5] …
        1S: * 1 EXPUNGE
        1S: * 0 RECENT
        1S: e OK …
        2C: b APPEND Archive {5+}
        2C: Hello
        2S: b OK …
        1S: * STATUS Archive (UIDNEXT 7 MESSAGES 6)
    """)


def test_names_that_come_go_and_change(talk: Talk) -> None:
    """Section 5.4: the mailbox and the one directly above it; those below a renamed one go along without a word."""
    talk("""
        1C: a NOTIFY SET (PERSONAL (MailboxName))
        1S: a OK …
        2C: a CREATE Lists
        2S: a OK …
        1S: * LIST (\\HasNoChildren) "/" Lists
        2C: b CREATE Lists/one
        2S: b OK …
        1S: * LIST (\\HasChildren) "/" Lists
        1S: * LIST (\\HasNoChildren) "/" Lists/one
        2C: c RENAME Lists "The Lists"
        2S: c OK …
        1S: * LIST (\\HasChildren) "/" "The Lists" ("OLDNAME" (Lists))
        2C: d DELETE "The Lists/one"
        2S: d OK …
        1S: * LIST (\\NonExistent \\HasNoChildren) "/" "The Lists/one"
        1S: * LIST (\\HasNoChildren) "/" "The Lists"
        2C: e CREATE J&APw-rgen
        2S: e OK …
        1S: * LIST (\\HasNoChildren) "/" J&APw-rgen
        2C: f SUBSCRIBE J&APw-rgen
        2S: f OK …
        2C: g DELETE J&APw-rgen
        2S: g OK …
        1S: * LIST (\\NonExistent \\HasNoChildren \\Subscribed) "/" J&APw-rgen
        2C: h CREATE J&APw-rgen
        2S: h OK …
        1S: * LIST (\\HasNoChildren \\Subscribed) "/" J&APw-rgen
        2C: i RENAME INBOX Old
        2S: i OK …
        1S: * LIST (\\HasNoChildren) "/" Old
    """)


def test_what_one_does_oneself_is_no_news(talk: Talk) -> None:
    talk("""
        1C: a NOTIFY SET (PERSONAL (MailboxName SubscriptionChange MessageNew MessageExpunge))
        1S: a OK …
        1C: b CREATE a/b
        1S: b OK …
        1C: c RENAME a c
        1S: c OK …
        1C: d SUBSCRIBE c/b
        1S: d OK …
        1C: e UNSUBSCRIBE c/b
        1S: e OK …
        1C: f DELETE c/b
        1S: f OK …
        2C: a CREATE d
        2S: a OK …
        1S: * LIST (\\HasNoChildren) "/" d
    """)


def test_a_new_mailbox_is_watched_like_those_before(talk: Talk, put: Put) -> None:
    talk("""
        1C: a NOTIFY SET (SUBTREE Lists (MessageNew MessageExpunge))
        1S: a OK …
        2C: a CREATE Lists/one
        2S: a OK …
    """)
    put("one", name="Lists/one")
    talk("""
        1S: * STATUS Lists/one (…)
        2C: b RENAME Lists/one Else
        2S: b OK …
    """)
    put("two", name="Else")
    talk("""
        2C: c APPEND Else {5+}
        2C: Hello
        2S: c OK …
        2C: d RENAME Else Lists/two
        2S: d OK …
        1S: * STATUS Lists/two (MESSAGES 3 UIDNEXT 4 UIDVALIDITY {v})
    """)


def test_subscriptions(talk: Talk, put: Put) -> None:
    """Sections 5.5 and 6.4."""
    talk("""
        2C: a CREATE Lists
        2S: a OK …
        1C: a NOTIFY SET (PERSONAL (SubscriptionChange)) (SUBSCRIBED (MessageNew MessageExpunge))
        1S: a OK …
    """)
    put("one", name="Lists")
    talk("""
        2C: b SUBSCRIBE Lists
        2S: b OK …
        1S: * LIST (\\HasNoChildren \\Subscribed) "/" Lists
        1S: * STATUS Lists (MESSAGES 1 UIDNEXT 2 UIDVALIDITY {v})
    """)
    put("two", name="Lists")
    talk("""
        1S: * STATUS Lists (UIDNEXT 3 MESSAGES 2)
        2C: c UNSUBSCRIBE Lists
        2S: c OK …
        1S: * LIST (\\HasNoChildren) "/" Lists
    """)
    put("three", name="Lists")
    talk("1C: b NOOP\n1S: b OK …")


def test_mailboxes_of_others(meet: Meet) -> None:
    """Sections 3.1 and 5.9: what may be looked up and not read is told with \\NoAccess."""
    meet("""
        1C: a CREATE Team
        1S: a OK …
        1C: b SETACL Team {bob} l
        1S: b OK …
        2C: a NOTIFY SET STATUS (SUBTREE "Other Users" (MessageNew MessageExpunge MailboxName))
        2S: * LIST (\\Noselect \\HasNoChildren \\NoAccess) "/" "Other Users/{alice}/Team"
        2S: a OK …
        1C: c SETACL Team {bob} lr
        1S: c OK …
        2S: * LIST (\\HasNoChildren) "/" "Other Users/{alice}/Team"
        1C: d APPEND Team {5+}
        1C: Hello
        1S: d OK …
        2S: * STATUS "Other Users/{alice}/Team" (UIDNEXT 2 MESSAGES 1)
        1C: e SETACL Team {bob} l
        1S: e OK …
        2S: * LIST (\\Noselect \\HasNoChildren \\NoAccess) "/" "Other Users/{alice}/Team"
        1C: f APPEND Team {5+}
        1C: Hello
        1S: f OK …
        1C: g DELETEACL Team {bob}
        1S: g OK …
        2S: * LIST (\\NonExistent \\HasNoChildren) "/" "Other Users/{alice}"
        2S: * LIST (\\NonExistent \\HasNoChildren \\NoAccess) "/" "Other Users/{alice}/Team"
        1C: h SETACL Team anyone lr
        1S: h OK …
        2S: * LIST (\\NonExistent \\HasChildren) "/" "Other Users/{alice}"
        2S: * LIST (\\HasNoChildren) "/" "Other Users/{alice}/Team"
        2S: * STATUS "Other Users/{alice}/Team" (MESSAGES 2 UIDNEXT 3 UIDVALIDITY {v})
    """)


def test_access_that_is_lost_is_told_to_those_too_who_ask_for_no_names(meet: Meet) -> None:
    meet("""
        1C: a CREATE Team
        1S: a OK …
        1C: b SETACL Team {bob} lr
        1S: b OK …
        2C: a NOTIFY SET (SUBTREE "Other Users" (MessageNew MessageExpunge))
        2S: a OK …
        1C: c DELETE Team
        1S: c OK …
        2S: * LIST (\\NonExistent \\HasNoChildren \\NoAccess) "/" "Other Users/{alice}/Team"
    """)


def test_metadata(talk: Talk) -> None:
    """Sections 5.6 and 5.7: the names of entries whose values are others, or gone."""
    talk("""
        1C: a NOTIFY SET (MAILBOXES INBOX (MailboxMetadataChange)) (PERSONAL (ServerMetadataChange))
        1S: a OK …
        2C: a SETMETADATA INBOX (/private/comment "one" /shared/comment "two")
        2S: a OK …
        1S: * METADATA INBOX /private/comment /shared/comment
        2C: b SETMETADATA Trash (/private/comment "one")
        2S: b OK …
        2C: c SETMETADATA "" (/private/comment "one")
        2S: c OK …
        1S: * METADATA "" /private/comment
        2C: d SETMETADATA INBOX (/private/comment NIL)
        2S: d OK …
        1S: * METADATA INBOX /private/comment
        1C: b SETMETADATA INBOX (/private/comment "three")
        1S: b OK …
        1C: c NOOP
        1S: c OK …
    """)


def test_more_than_may_be_watched(talk: Talk, settings: Settings) -> None:
    """Section 3.1 and 5.8: every new account has six mailboxes."""
    settings.IMAP_MAX_WATCHED_MAILBOXES = 6
    talk("""
        1C: s SELECT INBOX
        1S~ s OK …
        1C: a NOTIFY SET (SELECTED (MessageNew MessageExpunge)) (PERSONAL (MailboxName MessageNew MessageExpunge))
        1S: a OK …
        2C: a CREATE seventh
        2S: a OK …
        1S: * OK [NOTIFICATIONOVERFLOW] …
        2C: b CREATE eighth
        2S: b OK …
        2C: c APPEND INBOX {5+}
        2C: Hello
        2S: c OK …
        1C: b NOOP
        1S: b OK …
        1C: c NOTIFY SET (PERSONAL (MailboxName))
        1S: c NO [NOTIFICATIONOVERFLOW] …
        1C: d NOOP
        1S: d OK …
        1C: e NOTIFY SET (SELECTED (MessageNew MessageExpunge))
        1S: * 1 EXISTS
        1S: * 1 RECENT
        1S: e OK …
    """)


@pytest.mark.parametrize("end", ["UNAUTHENTICATE", "NOTIFY NONE"])
def test_when_it_ends(talk: Talk, end: str) -> None:
    talk(
        """
        1C: a NOTIFY SET (PERSONAL (MailboxName))
        1S: a OK …
        1C: b {end}
        1S: b OK …
        2C: a CREATE one
        2S: a OK …
        1C: c NOOP
        1S: c OK …
    """.replace("{end}", end)
    )


def test_idle_tells_the_same(talk: Talk, put: Put) -> None:
    """Section 4."""
    talk("""
        1C: a NOTIFY SET (PERSONAL (MailboxName MessageNew MessageExpunge))
        1S: a OK …
        1C: b IDLE
        1S: + idling
        2C: a CREATE one
        2S: a OK …
        1S: * LIST (\\HasNoChildren) "/" one
    """)
    put("one", name="one")
    talk("""
        1S: * STATUS one (UIDNEXT 2 MESSAGES 1)
        1C: DONE
        1S: b OK …
    """)


def test_what_was_announced_while_the_store_was_away_is_told_when_it_is_back(
    talk: Talk, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mailboxes.imap import notifying, selected, waiting
    from mailhost.net.store_threads import StoreUnavailable

    monkeypatch.setattr(waiting, "LOOK_AGAIN_SECONDS", 0.1)
    talk("""
        1C: s SELECT INBOX
        1S~ s OK …
        1C: a NOTIFY SET (SELECTED (MessageNew (UID) MessageExpunge)) (PERSONAL (MailboxName MessageNew MessageExpunge))
        1S: a OK …
    """)
    looked = threading.Event()

    async def away(*_: object, **__: object) -> None:
        looked.set()
        raise StoreUnavailable("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(notifying, "in_store", away)
        put("one", name="Archive")
        assert looked.wait(10)
    talk("1S: * STATUS Archive (UIDNEXT 2 MESSAGES 1)")
    looked.clear()
    with monkeypatch.context() as patch:
        patch.setattr(notifying, "in_store", away)
        talk("2C: a CREATE new\n2S: a OK …")
        assert looked.wait(10)
    talk('1S: * LIST (\\HasNoChildren) "/" new')
    looked.clear()
    with monkeypatch.context() as patch:
        patch.setattr(selected, "in_store", away)
        put("two")
        assert looked.wait(10)
    talk("""
        1S: * 1 EXISTS
        1S: * 1 RECENT
        1S: * 1 FETCH (UID 1)
    """)


def test_items_that_could_not_be_read_are_told_later(
    talk: Talk, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mailboxes.imap import fetch_chunks, waiting
    from mailhost.net.store_threads import StoreUnavailable

    monkeypatch.setattr(waiting, "LOOK_AGAIN_SECONDS", 0.1)
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: a NOTIFY SET (SELECTED (MessageNew (RFC822.SIZE) MessageExpunge))
        S: a OK …
    """)

    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(fetch_chunks, "in_store", away)
        put("one")
        talk("S: * 1 EXISTS\nS: * 1 RECENT")
    talk("S: * 1 FETCH (UID 1 RFC822.SIZE {size})")


def test_nothing_is_watched_any_more_when_sessions_end(doors: "Doors", talk: Talk) -> None:
    watcher = doors.host.watcher
    talk("""
        1C: a NOTIFY SET (PERSONAL (MailboxName MessageNew MessageExpunge))
        1S: a OK …
        1C: b NOTIFY SET (INBOXES (MessageNew MessageExpunge))
        1S: b OK …
    """)
    before = sum(map(len, watcher._mailboxes.watches.values()))
    talk("""
        1C: c LOGOUT
        1S~ c OK …
        1S!
    """)
    assert sum(map(len, watcher._mailboxes.watches.values())) == before - 1
