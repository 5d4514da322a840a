"""EXPUNGE, UID EXPUNGE, and where it may be told (RFC 3501 sections 6.4.3 and 7.4.1, RFC 4315, RFC 2180)."""

from collections.abc import Callable

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]

BOTH_SELECT = """
        1C: s SELECT INBOX
        1S~ s OK …
        2C: s SELECT INBOX
        2S~ s OK …
"""


def test_expunge_and_uid_expunge(talk: Talk, put: Put) -> None:
    from mailboxes.store.values import Flag

    for subject in ("one", "two", "three", "four"):
        put(subject, flags=Flag.SEEN if subject == "two" else Flag.DELETED)
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: a UID EXPUNGE 2:3
        S: * 3 EXPUNGE
        S: * 3 RECENT
        S: a OK UID EXPUNGE completed
        C: b EXPUNGE
        S: * 3 EXPUNGE
        S: * 1 EXPUNGE
        S: * 1 RECENT
        S: b OK EXPUNGE completed
        C: c FETCH 1:* (UID FLAGS)
        S: * 1 FETCH (UID 2 FLAGS (\\Seen \\Recent))
        S: c OK …
    """)


def test_no_expunge_is_told_during_fetch_store_and_search(talk: Talk, put: Put) -> None:
    for subject in ("one", "two", "three"):
        put(subject)
    talk(
        BOTH_SELECT
        + """
        2C: a FETCH 1:3 UID
        2S~ a OK …
        1C: a STORE 1 +FLAGS.SILENT (\\Deleted)
        1S: a OK …
        1C: b EXPUNGE
        1S: * 1 EXPUNGE
        1S: * 2 RECENT
        1S: b OK …
        The numbers of the other session hold still, and what is gone is still served:
        2C: b FETCH 1 (UID BODY.PEEK[TEXT])
        2S: * 1 FETCH (UID 1 BODY[TEXT] {8}
        2S: Hello.
        2S: )
        2S: b OK FETCH completed
        2C: c STORE 3 +FLAGS (\\Flagged)
        2S: * 3 FETCH (FLAGS (\\Flagged))
        2S: c OK STORE completed
        2C: d SEARCH ALL
        2S: * SEARCH 2 3
        2S: d OK SEARCH completed
        2C: e COPY 1:2 Archive
        2S~ e OK [COPYUID …] COPY completed
        2C: f FETCH 1 UID
        2S: * 1 FETCH (UID 2)
        2S: f OK FETCH completed
        """
    )


def test_a_uid_command_may_tell_it(talk: Talk, put: Put) -> None:
    for subject in ("one", "two"):
        put(subject)
    talk(
        BOTH_SELECT
        + """
        1C: a UID STORE 1 +FLAGS.SILENT (\\Deleted)
        1S: a OK …
        1C: b UID EXPUNGE 1
        1S: * 1 EXPUNGE
        1S: * 1 RECENT
        1S: b OK …
        2C: a UID FETCH 2 UID
        2S: * 2 FETCH (UID 2)
        2S: * 1 EXPUNGE
        2S: a OK UID FETCH completed
        """
    )


def test_arrivals_after_an_untold_expunge_are_numbered_behind_it(talk: Talk, put: Put) -> None:
    put("one")
    talk(
        BOTH_SELECT
        + """
        2C: a FETCH 1 UID
        2S~ a OK …
        1C: a STORE 1 +FLAGS.SILENT (\\Deleted)
        1S: a OK …
        1C: b EXPUNGE
        1S: * 1 EXPUNGE
        1S: * 0 RECENT
        1S: b OK …
        """
    )
    put("two")
    talk("""
        2C: b FETCH 1 UID
        2S: * 1 FETCH (UID 1)
        2S: * 2 EXISTS
        2S: * 1 RECENT
        2S: b OK FETCH completed
        2C: c FETCH 2 UID
        2S: * 2 FETCH (UID 2)
        2S: c OK FETCH completed
        2C: d NOOP
        2S: * 1 EXPUNGE
        2S: d OK NOOP completed
    """)


def test_numbers_hold_still_for_a_command_that_is_already_here(talk: Talk, put: Callable[..., int]) -> None:
    """RFC 3501 section 5.5: a client must not send the FETCH yet. Those that do get the messages that they meant."""
    for _ in range(3):
        put()
    talk("""
        1C: a SELECT INBOX
        1S~ a OK …
        2C: a SELECT INBOX
        2S~ a OK …
        2C: b STORE 1 +FLAGS.SILENT (\\Deleted)
        2S: b OK …
        2C: c EXPUNGE
        2S: * 1 EXPUNGE
        2S: c OK …
        1C| b NOOP\\r\\nc NOOP\\r\\nd FETCH 2 UID\\r\\ne UID FETCH 3 UID\\r\\nf STORE 1,3 +FLAGS.SILENT (\\Flagged)\\r\\n
        1S: b OK …
        1S: c OK …
        1S: * 2 FETCH (UID 2)
        1S: d OK …
        1S: * 3 FETCH (UID 3)
        1S: e OK …
        1S: f OK …
        1C: g NOOP
        1S: * 1 EXPUNGE
        1S: * 2 RECENT
        1S: g OK …
        1C: h FETCH 1:* (UID FLAGS)
        1S: * 1 FETCH (UID 2 FLAGS (\\Recent))
        1S: * 2 FETCH (UID 3 FLAGS (\\Flagged \\Recent))
        1S: h OK …
    """)


def test_an_expunge_of_one_s_own_is_told_whatever_was_sent_behind_it(
    talk: Talk, put: Callable[..., int]
) -> None:
    from mailboxes.store.values import Flag

    put(flags=Flag.DELETED)
    put()
    talk("""
        C: a SELECT INBOX
        S~ a OK …
        C| b EXPUNGE\\r\\nc FETCH 1 UID\\r\\n
        S: * 1 EXPUNGE
        S: * 1 RECENT
        S: b OK …
        S: * 1 FETCH (UID 2)
        S: c OK …
    """)
