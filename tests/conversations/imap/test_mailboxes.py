"""CREATE, DELETE, RENAME, STATUS (RFC 3501 sections 6.3.3 to 6.3.5 and 6.3.10)."""

from collections.abc import Callable

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]


def test_create(talk: Talk) -> None:
    talk("""
        C: a CREATE project/
        S: a OK CREATE completed
        C: b CREATE project
        S: b NO [ALREADYEXISTS] …
        C: c CREATE inbox
        S: c NO [ALREADYEXISTS] …
        C: d CREATE a//b
        S: d NO [CANNOT] …
        C: e CREATE inbox/sub
        S: e OK CREATE completed
        C: f LIST "" "INBOX/*"
        S: * LIST (\\HasNoChildren) "/" INBOX/sub
        S: f OK LIST completed
    """)


def test_delete(talk: Talk) -> None:
    talk("""
        C: a DELETE INBOX
        S: a NO [CANNOT] …
        C: b DELETE nothing
        S: b NO [NONEXISTENT] …
        C: c CREATE gone
        S: c OK …
        C: d SELECT gone
        S~ d OK …
        C: e DELETE gone
        S: e OK DELETE completed
        C: f FETCH 1 FLAGS
        S: f BAD …no mailbox is selected…
    """)


def test_a_mailbox_made_again_has_another_uidvalidity(talk: Talk) -> None:
    words = talk("""
        C: a CREATE again
        S: a OK …
        C: b STATUS again (UIDVALIDITY)
        S: * STATUS again (UIDVALIDITY {first})
        S: b OK …
        C: c DELETE again
        S: c OK …
        C: d CREATE again
        S: d OK …
        C: e STATUS again (UIDVALIDITY)
        S: * STATUS again (UIDVALIDITY {second})
        S: e OK …
    """)
    assert int(words["second"]) > int(words["first"])


def test_a_mailbox_deleted_by_another_session_ends_this_one(talk: Talk) -> None:
    talk("""
        1C: a CREATE shared
        1S: a OK …
        1C: b SELECT shared
        1S~ b OK …
        2C: a DELETE shared
        2S: a OK …
        1C: c NOOP
        1S: * BYE The selected mailbox was deleted
        1S!
    """)


def test_rename_takes_inferiors_along(talk: Talk) -> None:
    talk("""
        C: a CREATE old/one/two
        S: a OK …
        C: b RENAME old new
        S: b OK RENAME completed
        C: c LIST "" "new*"
        S: * LIST (\\HasChildren) "/" new
        S: * LIST (\\HasChildren) "/" new/one
        S: * LIST (\\HasNoChildren) "/" new/one/two
        S: c OK LIST completed
        C: d RENAME new/one Sent
        S: d NO [ALREADYEXISTS] …
        C: e RENAME old x
        S: e NO [NONEXISTENT] …
        C: f RENAME new new/deeper
        S: f NO [CANNOT] …
    """)


def test_renaming_inbox_moves_its_messages_and_leaves_it(talk: Talk, put: Put) -> None:
    put()
    talk("""
        C: a RENAME INBOX saved
        S: a OK …
        C: b STATUS INBOX (MESSAGES)
        S: * STATUS INBOX (MESSAGES 0)
        S: b OK …
        C: c STATUS saved (MESSAGES UNSEEN)
        S: * STATUS saved (MESSAGES 1 UNSEEN 1)
        S: c OK …
    """)


def test_status_tells_each_item_in_the_order_asked(talk: Talk, put: Put) -> None:
    from mailboxes.store.values import Flag

    put()
    put(flags=Flag.SEEN)
    talk("""
        C: a STATUS inbox (UNSEEN MESSAGES RECENT UIDNEXT)
        S: * STATUS INBOX (UNSEEN 1 MESSAGES 2 RECENT 2 UIDNEXT 3)
        S: a OK STATUS completed
        C: b STATUS nothing (MESSAGES)
        S: b NO [NONEXISTENT] …
        C: c STATUS INBOX (NONSENSE)
        S: c BAD …
    """)


def test_a_mailbox_that_went_before_it_was_looked_into_ends_the_session_too(talk: Talk) -> None:
    talk("""
        1C: a CREATE short
        1S: a OK …
        1C: b SELECT short
        1S~ b OK …
        2C: a DELETE short
        2S: a OK …
        1C: c FETCH 1:* FLAGS
        1S: * BYE The selected mailbox was deleted
        1S!
    """)
