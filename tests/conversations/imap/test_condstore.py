"""CONDSTORE (RFC 7162 section 3.1): mod-sequences told, FETCH and STORE on conditions, and what enables it."""

from collections.abc import Callable

import pytest

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]

BOTH_SELECT = """
        1C: s SELECT INBOX
        1S~ s OK …
        2C: s SELECT INBOX (CONDSTORE)
        2S~ s OK …
"""


def test_select_tells_the_highest_mod_sequence_whoever_asks(talk: Talk, put: Put) -> None:
    put("one")
    talk("""
        C: a SELECT INBOX
        S: * FLAGS …
        S: * OK [PERMANENTFLAGS …] …
        S: * 1 EXISTS
        S: * 1 RECENT
        S: * OK [UNSEEN 1] …
        S: * OK [MAILBOXID (…)] …
        S: * OK [UIDVALIDITY {validity}] …
        S: * OK [UIDNEXT 2] …
        S: * OK [HIGHESTMODSEQ 2] …
        S: a OK [READ-WRITE] SELECT completed
        C: b FETCH 1 (UID MODSEQ)
        S: * OK [HIGHESTMODSEQ 2] …
        S: * 1 FETCH (UID 1 MODSEQ (2))
        S: b OK FETCH completed
    """)


def test_another_select_says_that_the_mailbox_before_is_closed(talk: Talk) -> None:
    talk("""
        C: a SELECT INBOX
        S: * FLAGS …
        S~ a OK …
        C: b EXAMINE Sent (CONDSTORE)
        S: * OK [CLOSED] …
        S: * FLAGS …
        S~ b OK [READ-ONLY] …
        C: c SELECT nowhere
        S: * OK [CLOSED] …
        S: c NO [NONEXISTENT] …
        C: d SELECT nowhere
        S: d NO [NONEXISTENT] …
    """)


@pytest.mark.parametrize(
    "enabling",
    [
        "ENABLE CONDSTORE",
        "ENABLE QRESYNC",
        "SELECT INBOX (CONDSTORE)",
        "EXAMINE INBOX (CONDSTORE)",
        "STATUS Sent (HIGHESTMODSEQ)",
        "FETCH 1 MODSEQ",
        "UID FETCH 1 (FLAGS) (CHANGEDSINCE 0)",
        "STORE 1 (UNCHANGEDSINCE 1) +FLAGS.SILENT (\\Draft)",
        "SEARCH MODSEQ 1",
        'UID SEARCH MODSEQ "/flags/\\\\draft" all 1',
    ],
)
def test_what_enables_it(talk: Talk, put: Put, enabling: str) -> None:
    put("one")
    talk(
        f"""
        1C: s SELECT INBOX
        1S~ s OK …
        2C: s SELECT INBOX
        2S~ s OK …
        1C: a STORE 1 +FLAGS (\\Seen)
        1S: * 1 FETCH (FLAGS (\\Seen \\Recent))
        1S: a OK …
        1C: b {enabling}
        1S~ b OK …
        2C: a STORE 1 +FLAGS (\\Flagged)
        2S~ a OK …
        1C: c NOOP
        1S: * 1 FETCH (UID 1 FLAGS (\\Seen \\Flagged{{recent}}) MODSEQ (4))
        1S: c OK …
    """.replace("{recent}", "…")
    )


def test_who_never_asked_hears_nothing_of_mod_sequences(talk: Talk, put: Put) -> None:
    put("one")
    talk(
        BOTH_SELECT
        + """
        2C: a STORE 1 FLAGS (\\Seen)
        2S: * 1 FETCH (FLAGS (\\Seen) MODSEQ (3))
        2S: a OK STORE completed
        1C: a NOOP
        1S: * 1 FETCH (UID 1 FLAGS (\\Seen \\Recent))
        1S: a OK …
        2C: b STORE 1 FLAGS ()
        2S~ b OK …
        2C: c STORE 1 FLAGS (\\Seen)
        2S~ c OK …
        Flags that came and went are no news, but for who counts changes:
        1C: b NOOP
        1S: b OK …
        1C: c FETCH 1 (FLAGS MODSEQ)
        1S: * OK [HIGHESTMODSEQ 5] …
        1S: * 1 FETCH (FLAGS (\\Seen \\Recent) MODSEQ (5))
        1S: c OK …
        2C: d STORE 1 FLAGS ()
        2S~ d OK …
        2C: e STORE 1 FLAGS (\\Seen)
        2S~ e OK …
        1C: d NOOP
        1S: * 1 FETCH (UID 1 FLAGS (\\Seen \\Recent) MODSEQ (7))
        1S: d OK …
        """
    )


def test_fetch_of_what_changed_since(talk: Talk, put: Put) -> None:
    for subject in ("one", "two", "three"):
        put(subject)
    talk(
        BOTH_SELECT
        + """
        1C: a STORE 2 +FLAGS.SILENT (\\Seen)
        1S: a OK …
        2C: a FETCH 1:* (FLAGS) (CHANGEDSINCE 3)
        2S: * 2 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (5))
        2S: * 2 FETCH (FLAGS (\\Seen) MODSEQ (5))
        2S: * 3 FETCH (FLAGS () MODSEQ (4))
        2S: a OK FETCH completed
        2C: b UID FETCH 1:2 (FLAGS) (changedsince 4)
        2S: * 2 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (5))
        2S: b OK UID FETCH completed
        2C: c FETCH 1:* (MODSEQ UID) (CHANGEDSINCE 5)
        2S: c OK FETCH completed
        2C: d FETCH 1 (BODY.PEEK[]) (CHANGEDSINCE 9223372036854775808)
        2S: d BAD …
        2C: e FETCH 1 (FLAGS) (VANISHED)
        2S: e BAD …
        2C: f UID FETCH 1 (FLAGS) (CHANGEDSINCE 1 VANISHED)
        2S: f BAD …
        2C: g FETCH 1 (FLAGS) ()
        2S: g BAD …
        """
    )


def test_reading_tells_the_mod_sequence_of_seen(talk: Talk, put: Put) -> None:
    put("one")
    talk("""
        C: a SELECT INBOX (CONDSTORE)
        S~ a OK …
        C: b FETCH 1 BODY[TEXT]
        S: * 1 FETCH (BODY[TEXT] {8}
        S: Hello.
        S:  FLAGS (\\Seen \\Recent) MODSEQ (3))
        S: b OK FETCH completed
    """)


def test_store_on_condition(talk: Talk, put: Put) -> None:
    for subject in ("one", "two", "three"):
        put(subject)
    talk(
        BOTH_SELECT
        + """
        1C: a STORE 2 +FLAGS.SILENT (\\Flagged)
        1S: a OK …
        2C: a STORE 1:3 (UNCHANGEDSINCE 4) +FLAGS.SILENT (\\Seen)
        2S: * 1 FETCH (MODSEQ (6))
        2S: * 3 FETCH (MODSEQ (6))
        2S: * 2 FETCH (UID 2 FLAGS (\\Flagged) MODSEQ (5))
        2S: a OK [MODIFIED 2] …
        2C: b UID STORE 1:3 (UNCHANGEDSINCE 5) +FLAGS (\\Answered)
        2S: * 2 FETCH (UID 2 FLAGS (\\Answered \\Flagged) MODSEQ (7))
        2S: b OK [MODIFIED 1,3] …
        2C: c STORE 2 (UNCHANGEDSINCE 7) -FLAGS (\\Answered)
        2S: * 2 FETCH (FLAGS (\\Flagged) MODSEQ (8))
        2S: c OK STORE completed
        2C: d STORE 1:3 (UNCHANGEDSINCE 0) +FLAGS (\\Seen)
        2S: d OK [MODIFIED 1:3] …
        2C: e STORE 2 (CHANGEDSINCE 5) +FLAGS (\\Seen)
        2S: e BAD …
        2C: f STORE 2 +FLAGS.SILENT (\\Seen)
        2S: * 2 FETCH (MODSEQ (9))
        2S: f OK STORE completed
        1C: b FETCH 1:3 FLAGS
        1S: * 1 FETCH (FLAGS (\\Recent))
        1S: * 2 FETCH (FLAGS (\\Flagged \\Recent))
        1S: * 3 FETCH (FLAGS (\\Recent))
        1S: * 1 FETCH (UID 1 FLAGS (\\Seen \\Recent))
        1S: * 2 FETCH (UID 2 FLAGS (\\Seen \\Flagged \\Recent))
        1S: * 3 FETCH (UID 3 FLAGS (\\Seen \\Recent))
        1S: b OK …
        """
    )


def test_a_store_on_condition_names_what_is_gone(talk: Talk, put: Put) -> None:
    for subject in ("one", "two"):
        put(subject)
    talk(
        BOTH_SELECT
        + """
        2C: a FETCH 1:2 UID
        2S~ a OK …
        1C: a STORE 1 +FLAGS.SILENT (\\Deleted)
        1S: a OK …
        1C: b EXPUNGE
        1S~ b OK …
        2C: b STORE 1:2 (UNCHANGEDSINCE 99) +FLAGS (\\Seen)
        2S: * 2 FETCH (FLAGS (\\Seen) MODSEQ (6))
        2S: b NO [MODIFIED 1] …
        2C: c UID STORE 1:2 (UNCHANGEDSINCE 99) +FLAGS (\\Flagged)
        2S: * 2 FETCH (UID 2 FLAGS (\\Seen \\Flagged) MODSEQ (7))
        2S: * 1 EXPUNGE
        2S: c OK UID STORE completed
        """
    )


def test_search_tells_the_highest_mod_sequence_found(talk: Talk, put: Put) -> None:
    for subject in ("one", "two", "three"):
        put(subject)
    talk("""
        C: a SELECT INBOX
        S~ a OK …
        C: b STORE 2 +FLAGS.SILENT (\\Seen)
        S: b OK …
        C: c SEARCH MODSEQ 4
        S: * OK [HIGHESTMODSEQ 5] …
        S: * SEARCH 2 3 (MODSEQ 5)
        S: c OK …
        C: d UID SEARCH UNSEEN MODSEQ 1
        S: * SEARCH 1 3 (MODSEQ 4)
        S: d OK …
        C: e SEARCH MODSEQ 6
        S: * SEARCH
        S: e OK …
        C: f STATUS Sent (HIGHESTMODSEQ MESSAGES)
        S: * STATUS Sent (HIGHESTMODSEQ 1 MESSAGES 0)
        S: f OK …
        C: g SELECT INBOX (CONDSTORE CONDSTORE)
        S: g BAD …
        C: h SELECT INBOX ()
        S: h BAD …
        C: i SELECT INBOX (X-UNKNOWN)
        S: i BAD …
    """)


def test_what_is_switched_off_is_unknown(talk: Talk, put: Put, login: str) -> None:
    from mailboxes.models import Account

    put("one")
    Account.objects.filter(login=login).update(imap_switched_off=["CONDSTORE"])
    talk("""
        C: a CAPABILITY
        S: * CAPABILITY …ENABLE …
        S: a OK …
        C: b ENABLE CONDSTORE QRESYNC
        S: * ENABLED
        S: b OK …
        C: c SELECT INBOX (CONDSTORE)
        S: c BAD …
        C: d SELECT INBOX
        S~ d OK …
        C: e FETCH 1 MODSEQ
        S: e BAD …
        C: f FETCH 1 FLAGS (CHANGEDSINCE 1)
        S: f BAD …
        C: g STORE 1 (UNCHANGEDSINCE 1) FLAGS ()
        S: g BAD …
    """)
