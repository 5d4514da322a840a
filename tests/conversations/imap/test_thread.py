"""THREAD (RFC 5256 section 3); the algorithms themselves are in tests/protocols/imap/test_threads.py."""

from collections.abc import Callable

import pytest

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]


@pytest.fixture
def seven(put: Put) -> None:
    def message(number: int, subject: str, *fields: str) -> bytes:
        lines = [
            f"Date: Mon, {number} May 2024 10:00:00 +0000",
            f"Subject: {subject}",
            f"Message-ID: <{number}@x>",
        ]
        return ("\r\n".join([*lines, *fields]) + "\r\n\r\n").encode()

    put(message(3, "Lunch"))
    put(message(4, "Re: Lunch", "References: <3@x>"))
    put(message(5, "Re: Lunch", "In-Reply-To: <3@x>"))
    put(message(6, "Re: Lunch", "References: <3@x> <5@x>"))
    put(message(1, "=?utf-8?q?D=C3=A9j=C3=A0?="))
    put(message(2, "Fwd: De\u0301Ja\u0300 (fwd)"))
    put(message(7, "re: [list] lunch"))


@pytest.mark.usefixtures("seven")
def test_both_algorithms(talk: Talk) -> None:
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: a THREAD REFERENCES UTF-8 ALL
        S: * THREAD (5 6)(1 (2)(3 4)(7))
        S: a OK THREAD completed
        C: b THREAD ORDEREDSUBJECT UTF-8 ALL
        S: * THREAD (5 6)(1 (2)(3)(4)(7))
        S: b OK …
        C: c THREAD REFERENCES US-ASCII NOT 1
        S: * THREAD (5 6)((2)(3 4)(7))
        S: c OK …
        C: d THREAD REFERENCES UTF-8 FLAGGED
        S: * THREAD
        S: d OK …
        C: e STORE 5 +FLAGS.SILENT (\\Deleted)
        S: e OK …
        C: f EXPUNGE
        S~ f OK …
        C: g UID THREAD REFERENCES UTF-8 NOT UID 7
        S: * THREAD (6)(1 (2)(3 4))
        S: g OK UID THREAD completed
        C: h THREAD ORDEREDSUBJECT UTF-8 5:6
        S: * THREAD (5)(6)
        S: h OK …
        C: i THREAD REFERENCES KOI8-R ALL
        S: i NO [BADCHARSET (US-ASCII UTF-8)] …
        C: j THREAD REFS UTF-8 ALL
        S: j BAD …
        C: k THREAD REFERENCES ALL
        S: k …
        C: l THREAD REFERENCES UTF-8 0
        S: l BAD …
    """)


def test_what_just_arrived_is_threaded(talk: Talk, put: Put) -> None:
    put("one")
    talk("C: s SELECT INBOX\nS~ s OK …")
    put("Re: one")
    talk("""
        C: a THREAD REFERENCES UTF-8 ALL
        S: * 2 EXISTS
        S: * 2 RECENT
        S: * THREAD (1 2)
        S: a OK …
    """)
