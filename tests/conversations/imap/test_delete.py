"""DELETE (RFC 3501 section 6.3.4)."""

from collections.abc import Callable

Talk = Callable[[str], dict[str, str]]


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


def test_a_mailbox_with_inferiors_leaves_its_name(talk: Talk) -> None:
    talk("""
        C: a CREATE a/b/c
        S: a OK …
        C: b DELETE a/b
        S: b OK …
        C: c LIST "" "a*"
        S: * LIST (\\HasChildren) "/" a
        S: * LIST (\\Noselect \\HasChildren) "/" a/b
        S: * LIST (\\HasNoChildren) "/" a/b/c
        S: c OK …
        C: d LIST "" "a/%" RETURN ()
        S: * LIST (\\NonExistent \\HasChildren) "/" a/b
        S: d OK …
        C: e DELETE a/b
        S: e NO [HASCHILDREN] …
        C: f SELECT a/b
        S: f NO [NONEXISTENT] …
        C: g CREATE a/b
        S: g OK …
        C: h DELETE a/b/c
        S: h OK …
        C: i DELETE a/b
        S: i OK …
        C: j LIST "" "a*"
        S: * LIST (\\HasNoChildren) "/" a
        S: j OK …
        C: k DELETE a/b
        S: k NO [NONEXISTENT] …
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
