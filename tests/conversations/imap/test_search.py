"""SEARCH with every key (RFC 3501 section 6.4.4; RFC 5032, RFC 7162, RFC 8474, RFC 8514)."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]

QUESTIONS = [
    ("ALL", "1 2 3 4"),
    ("1:2", "1 2"),
    ("UID 3:*", "3 4"),
    ("SEEN", "2"),
    ("UNSEEN", "1 3 4"),
    ("FLAGGED", "3"),
    ("NOT FLAGGED UNSEEN", "1 4"),
    ("ANSWERED", ""),
    ("UNANSWERED UNDELETED UNDRAFT UNFLAGGED", "1 2 4"),
    ("RECENT", "1 2 3 4"),
    ("NEW", "1 3 4"),
    ("OLD", ""),
    ("KEYWORD $label1", "2"),
    ("UNKEYWORD $Label1", "1 3 4"),
    ("LARGER 400", "4"),
    ("SMALLER 400", "1 2 3"),
    ("BEFORE 6-May-2024", "1"),
    ("ON 6-May-2024", "2 3"),
    ("SINCE 6-May-2024", "2 3 4"),
    ("SENTON 6-May-2024", "1 3"),
    ("SENTBEFORE 7-May-2024", "1 3"),
    ("SENTSINCE 7-May-2024", "4"),
    ("NOT SENTSINCE 7-May-2024", "1 2 3"),
    ("SUBJECT APPLE", "1"),
    ('SUBJECT "crème BRÛLÉE"', "2"),
    ("FROM bob", "1 3"),
    ('FROM "JÜRGEN"', "4"),
    ("TO alice@example.test", "1 3 4"),
    ("CC x", ""),
    ('HEADER Message-ID ""', "1 3"),
    ("HEADER X-Spam yes", "2"),
    ("BODY apple", "3"),
    ("TEXT apple", "1 3"),
    ('BODY "GRÜSSE"', "4"),
    ('BODY "grüße"', "4"),
    ("BODY html", "4"),
    ("OR SUBJECT apple BODY apple", "1 3"),
    ("NOT TEXT apple", "2 4"),
    ("OR SEEN OR FLAGGED LARGER 400", "2 3 4"),
    ("(OR SEEN FLAGGED) 1:2", "2"),
    ("FLAGGED BODY apple", "3"),
    ("SEEN BODY apple", ""),
    ("CHARSET UTF-8 SUBJECT apple", "1"),
    ("OLDER 60", "1 2 3 4"),
    ("YOUNGER 60", ""),
    ("YOUNGER 4294967295 NOT OLDER 60", ""),
    ("SAVEDATESUPPORTED", "1 2 3 4"),
    ("SAVEDBEFORE 1-Jan-2024", ""),
    ("SAVEDSINCE 1-Jan-2024 NOT SAVEDON 1-Jan-2024", "1 2 3 4"),
    ("THREADID T1", ""),
    ("NOT THREADID T1", "1 2 3 4"),
    ("EMAILID M1", ""),
    ("EMAILID E99999999999999999999", ""),
    ("UID 1 $", ""),
]


@pytest.fixture
def four(put: Put) -> None:
    from mailboxes.store.values import Flag
    from tests.conversations.imap.messages import MULTIPART, simple

    put(simple("An apple"), internal_date=datetime(2024, 5, 5, 23, 59, 59, tzinfo=UTC))
    put(
        b"Subject: =?utf-8?q?Cr=C3=A8me?=\r\n =?iso-8859-1?q?_br=FBl=E9e?=\r\nX-Spam: Yes\r\n\r\n",
        flags=Flag.SEEN,
        keywords=("$Label1",),
        internal_date=datetime(2024, 5, 6, tzinfo=UTC),
    )
    put(simple("pear", text="And an ApPle.\r\n"), flags=Flag.FLAGGED)
    put(MULTIPART, internal_date=datetime(2024, 5, 7, tzinfo=UTC))


@pytest.mark.usefixtures("four")
def test_every_key(talk: Talk) -> None:
    script = "C: s SELECT INBOX\nS~ s OK …\n"
    for key, found in QUESTIONS:
        numbers = f" {found}" if found else ""
        script += f"C: a SEARCH {key}\nS: * SEARCH{numbers}\nS: a OK SEARCH completed\n"
    talk(script)


@pytest.mark.usefixtures("four")
def test_uids_literals_and_charsets(talk: Talk) -> None:
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: a STORE 1 +FLAGS.SILENT (\\Deleted)
        S: a OK …
        C: b EXPUNGE
        S~ b OK …
        C: c UID SEARCH ALL
        S: * SEARCH 2 3 4
        S: c OK UID SEARCH completed
        C: d SEARCH ALL
        S: * SEARCH 1 2 3
        S: d OK SEARCH completed
        C: e SEARCH CHARSET UTF-8 SUBJECT {5}
        S: + …
        C: brûl
        S: * SEARCH 1
        S: e OK SEARCH completed
        C: f SEARCH CHARSET KOI8-R ALL
        S: f NO [BADCHARSET (US-ASCII UTF-8)] …
        C: g SEARCH 0
        S: g BAD …
        C: h SEARCH NONSENSE
        S: h BAD …
        C: i SEARCH OLDER 0
        S: i BAD …
        C: j SEARCH EMAILID "quoted"
        S: j BAD …
        C: k SEARCH 2 MODSEQ 1
        S~ * SEARCH 2 (MODSEQ {modseq})
        S: k OK …
        C: l SEARCH MODSEQ "/flags/\\\\seen" all 1 2
        S~ * SEARCH 2 (MODSEQ {modseq})
        S: l OK …
        C: m SEARCH MODSEQ 9223372036854775807
        S: * SEARCH
        S: m OK …
        C: n SEARCH MODSEQ 9223372036854775808
        S: n BAD …
    """)


def test_what_just_arrived_is_found(talk: Talk, put: Put) -> None:
    talk("C: s SELECT INBOX\nS~ s OK …")
    put("fresh")
    talk("""
        C: a SEARCH UNSEEN
        S: * 1 EXISTS
        S: * 1 RECENT
        S: * SEARCH 1
        S: a OK SEARCH completed
    """)


def test_numbers_beyond_the_last_message_are_no_error(talk: Talk, put: Put) -> None:
    """RFC 7377 section 2 says so of every search: clients walk through results in windows."""
    put("one")
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: a SEARCH 1:100
        S: * SEARCH 1
        S: a OK …
        C: b UID SEARCH 101:200
        S: * SEARCH
        S: b OK …
        C: c ESEARCH RETURN (COUNT) 101:200
        S: c OK …
        C: d SEARCH NOT 7
        S: * SEARCH 1
        S: d OK …
        C: e FETCH 7 UID
        S: e BAD …
    """)
