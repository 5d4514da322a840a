"""RENAME (RFC 3501 section 6.3.5, RFC 9051 section 6.3.6)."""

from collections.abc import Callable

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]


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
        C: g RENAME new new
        S: g NO [ALREADYEXISTS] …
        C: h RENAME new "a*b"
        S: h NO [CANNOT] …
        C: i RENAME new inbox
        S: i NO [ALREADYEXISTS] …
        C: j RENAME new/one/two INBOX/two/
        S: j OK …
        C: k LIST "" "INBOX*"
        S: * LIST (\\HasChildren) "/" INBOX
        S: * LIST (\\HasNoChildren) "/" INBOX/two
        S: k OK …
    """)


def test_missing_superiors_of_the_new_name_are_made(talk: Talk) -> None:
    talk("""
        C: a CREATE x
        S: a OK …
        C: b RENAME x p/q/x
        S: b OK …
        C: c LIST "" "p*"
        S: * LIST (\\HasChildren) "/" p
        S: * LIST (\\HasChildren) "/" p/q
        S: * LIST (\\HasNoChildren) "/" p/q/x
        S: c OK …
        C: d RENAME p/q/x p
        S: d NO [ALREADYEXISTS] …
    """)


def test_a_name_that_only_has_inferiors(talk: Talk) -> None:
    talk("""
        C: a CREATE a/b
        S: a OK …
        C: b DELETE a
        S: b OK …
        C: c RENAME a c
        S: c OK …
        C: d LIST "" (a% a/% c% c/%)
        S: * LIST (\\HasNoChildren) "/" c/b
        S: d OK …
        C: e CREATE d
        S: e OK …
        C: f RENAME c d
        S: f NO [ALREADYEXISTS] …
    """)


def test_renaming_inbox_moves_its_messages_and_leaves_it(talk: Talk, put: Put) -> None:
    put()
    talk("""
        C: a CREATE INBOX/below
        S: a OK …
        C: b RENAME Inbox saved
        S: b OK …
        C: c STATUS INBOX (MESSAGES)
        S: * STATUS INBOX (MESSAGES 0)
        S: c OK …
        C: d STATUS saved (MESSAGES UNSEEN)
        S: * STATUS saved (MESSAGES 1 UNSEEN 1)
        S: d OK …
        C: e LIST "" (INBOX* saved*)
        S: * LIST (\\HasChildren) "/" INBOX
        S: * LIST (\\HasNoChildren) "/" INBOX/below
        S: * LIST (\\HasNoChildren) "/" saved
        S: e OK …
        C: f RENAME INBOX saved
        S: f NO [ALREADYEXISTS] …
        C: g RENAME INBOX INBOX/older
        S: g OK …
    """)


def test_a_session_that_has_it_selected_stays_in_it(talk: Talk, put: Put) -> None:
    talk("""
        1C: a CREATE work
        1S: a OK …
        1C: b SELECT work
        1S~ b OK …
        2C: a RENAME work play
        2S: a OK …
    """)
    put(name="play")
    talk("""
        1C: c NOOP
        1S: * 1 EXISTS
        1S: * 1 RECENT
        1S: c OK …
    """)
