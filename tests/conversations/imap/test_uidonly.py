"""UIDONLY (RFC 9586): UIDs alone, in commands and in responses."""

from collections.abc import Callable

import pytest

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]

BOTH_SELECT = """
        1C: s SELECT INBOX
        1S~ s OK …
        2C: e ENABLE UIDONLY
        2S: * ENABLED UIDONLY
        2S: e OK ENABLE completed
        2C: s SELECT INBOX
        2S~ s OK …
"""


@pytest.mark.parametrize(
    "command",
    [
        "FETCH 1 FLAGS",
        "STORE 1 FLAGS (\\Seen)",
        "COPY 1 Trash",
        "MOVE 1 Trash",
        "SEARCH ALL",
        "UID SEARCH 1",
        "UID SEARCH OR SEEN NOT (UNSEEN 1:*)",
        "SORT (DATE) UTF-8 ALL",
        "UID SORT (DATE) UTF-8 1:2",
        "THREAD ORDEREDSUBJECT UTF-8 ALL",
    ],
)
def test_numbers_are_refused(talk: Talk, put: Put, command: str) -> None:
    put("one")
    talk(f"""
        C: a SELECT INBOX
        S~ a OK …
        C: b ENABLE UIDONLY
        S: * ENABLED UIDONLY
        S: b OK …
        C: c {command}
        S: c BAD [UIDREQUIRED] …
        C: d UID SEARCH UID 1 NOT DELETED
        S: * SEARCH 1
        S: d OK …
    """)


def test_responses_name_uids(talk: Talk, put: Put) -> None:
    for subject in ("one", "two", "three"):
        put(subject)
    talk("""
        1C: a SELECT INBOX
        1S~ a OK …
        1C: b UID MOVE 1 Trash
        1S~ b OK …
        2C: a ENABLE UIDONLY CONDSTORE
        2S: * ENABLED CONDSTORE UIDONLY
        2S: a OK …
        2C: b SELECT INBOX
        2S: * FLAGS …
        2S: * OK [PERMANENTFLAGS …
        2S: * 2 EXISTS
        2S: * 0 RECENT
        2S: * OK [MAILBOXID …
        2S: * OK [UIDVALIDITY …
        2S~ b OK …
        2C: c UID FETCH 2:* (RFC822.SIZE FLAGS MODSEQ)
        2S: * 2 UIDFETCH (RFC822.SIZE {size} FLAGS () MODSEQ (3))
        2S: * 3 UIDFETCH (RFC822.SIZE …
        2S: c OK UID FETCH completed
        2C: d UID FETCH 3 (UID BODY.PEEK[TEXT])
        2S: * 3 UIDFETCH (UID 3 BODY[TEXT] {8}
        2S: Hello.
        2S: )
        2S: d OK …
        2C: e UID STORE 3 +FLAGS (\\Flagged)
        2S: * 3 UIDFETCH (FLAGS (\\Flagged) MODSEQ (6))
        2S: e OK …
        2C: f UID STORE 3 (UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Seen)
        2S: f OK [MODIFIED 3] …
        1C: c UID STORE 2 +FLAGS.SILENT (\\Seen \\Deleted)
        1S~ c OK …
        2C: g NOOP
        2S: * 2 UIDFETCH (FLAGS (\\Seen \\Deleted) MODSEQ (7))
        2S: g OK …
        1C: d EXPUNGE
        1S~ d OK …
        2C: h UID FETCH 3 (FLAGS)
        2S: * 3 UIDFETCH (FLAGS (\\Flagged))
        2S: * VANISHED 2
        2S: h OK …
        2C: i UID FETCH 3 (FLAGS BODY[]<0.5>)
        2S: * 3 UIDFETCH (FLAGS (\\Seen \\Flagged) BODY[]<0> {5}
        2S~ i OK …
        2C: j UID MOVE 3 Trash
        2S: * OK [COPYUID …] …
        2S: * VANISHED 3
        2S: j OK UID MOVE completed
    """)


def test_a_large_message_too(talk: Talk, put: Put) -> None:
    put("filler")
    put(b"Subject: large\r\n\r\n" + b"x" * (2 << 20))
    talk("""
        C: a ENABLE UIDONLY
        S: * ENABLED UIDONLY
        S: a OK …
        C: b SELECT INBOX
        S~ b OK …
        C: c UID FETCH 2 (BODY.PEEK[TEXT]<0.3> BODY.PEEK[HEADER])
        S: * 2 UIDFETCH (BODY[TEXT]<0> {3}
        S: xxx BODY[HEADER] {18}
        S: Subject: large
        S:
        S: )
        S: c OK …
    """)


def test_sequence_match_data_is_refused(talk: Talk, put: Put) -> None:
    put("one")
    talk("""
        C: a ENABLE UIDONLY QRESYNC
        S: * ENABLED QRESYNC UIDONLY
        S: a OK …
        C: b SELECT INBOX (QRESYNC (1 1 1:2 (1 1)))
        S: b BAD [UIDREQUIRED] …
        C: c SELECT INBOX
        S~ * OK [UIDVALIDITY {validity}] …
        S~ c OK …
        C: d SELECT INBOX (QRESYNC ({validity} 1 1:2))
        S~ * 1 UIDFETCH (FLAGS () MODSEQ (2))
        S: d OK …
    """)


def test_a_session_beside_goes_on_with_numbers(talk: Talk, put: Put) -> None:
    for subject in ("one", "two"):
        put(subject)
    talk(
        BOTH_SELECT
        + """
        2C: a UID STORE 1 +FLAGS (\\Deleted)
        2S: * 1 UIDFETCH (FLAGS (\\Deleted))
        2S: a OK …
        2C: b EXPUNGE
        2S: * VANISHED 1
        2S: b OK EXPUNGE completed
        1C: a NOOP
        1S: * 1 EXPUNGE
        1S: * 1 RECENT
        1S: a OK …
        """
    )
