"""STORE (RFC 3501 section 6.4.6), and how another session hears of it."""

from collections.abc import Callable

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]


def test_flags_and_keywords_are_added_removed_and_replaced(talk: Talk, put: Put) -> None:
    put()
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: a STORE 1 +FLAGS (\\Seen $Junk)
        S: * 1 FETCH (FLAGS (\\Seen \\Recent $Junk))
        S: a OK STORE completed
        C: b STORE 1 +FLAGS \\Flagged
        S: * 1 FETCH (FLAGS (\\Seen \\Flagged \\Recent $Junk))
        S: b OK STORE completed
        C: c STORE 1 -FLAGS ($junk \\Seen)
        S: * 1 FETCH (FLAGS (\\Flagged \\Recent))
        S: c OK STORE completed
        C: d UID STORE 1 FLAGS (\\Answered x)
        S: * 1 FETCH (UID 1 FLAGS (\\Answered \\Recent x))
        S: d OK UID STORE completed
        C: e STORE 1 FLAGS.SILENT ()
        S: e OK STORE completed
        C: f FETCH 1 FLAGS
        S: * 1 FETCH (FLAGS (\\Recent))
        S: f OK …
        C: g STORE 2 +FLAGS (\\Seen)
        S: g BAD …
        C: h UID STORE 2 +FLAGS (\\Seen)
        S: h OK …
        C: i STORE 1 +FLAGS (\\Unheard)
        S: i BAD …
    """)


def test_another_session_is_told_and_its_own_is_not_told_twice(talk: Talk, put: Put) -> None:
    put()
    talk("""
        1C: s SELECT INBOX
        1S~ s OK …
        2C: s SELECT INBOX
        2S~ s OK …
        1C: a STORE 1 +FLAGS.SILENT (\\Flagged)
        1S: a OK STORE completed
        1C: b NOOP
        1S: b OK NOOP completed
        2C: a NOOP
        2S: * 1 FETCH (UID 1 FLAGS (\\Flagged))
        2S: a OK NOOP completed
        2C: b NOOP
        2S: b OK NOOP completed
    """)
