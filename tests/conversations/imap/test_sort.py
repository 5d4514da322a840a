"""SORT by every key (RFC 5256, RFC 5957), with RETURN (RFC 5267 section 3)."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]

QUESTIONS = [
    ("(ARRIVAL)", "3 4 1 2 5"),
    ("(REVERSE ARRIVAL)", "5 1 2 4 3"),
    ("(DATE)", "2 4 1 3 5"),
    ("(REVERSE DATE)", "5 1 3 4 2"),
    ("(SIZE)", "5 1 3 4 2"),
    ("(SUBJECT)", "5 1 3 4 2"),
    ("(REVERSE SUBJECT)", "2 4 1 3 5"),
    ("(SUBJECT REVERSE DATE)", "5 1 3 4 2"),
    ("(SUBJECT REVERSE ARRIVAL)", "5 1 3 4 2"),
    ("(REVERSE SUBJECT ARRIVAL)", "2 4 3 1 5"),
    ("(FROM)", "5 3 1 2 4"),
    ("(TO)", "1 2 5 3 4"),
    ("(CC)", "1 3 4 5 2"),
    ("(DISPLAYFROM)", "5 2 4 1 3"),
    ("(REVERSE DISPLAYFROM)", "1 3 4 2 5"),
    ("(DISPLAYTO)", "1 2 5 4 3"),
    ("(DISPLAYTO REVERSE SIZE)", "2 1 5 4 3"),
    ("(DATE)", "2 4 1 3 5"),
]


@pytest.fixture
def five(put: Put) -> None:
    def message(*fields: str, size: int = 0) -> bytes:
        return ("\r\n".join(fields) + "\r\n\r\n" + "x" * size).encode()

    may = "Mon, 6 May 2024"
    put(
        message(f"Date: {may} 10:00:00 +0000", "From: Zoe <bob@x>", "Subject: Re: Banana [fwd]", size=100),
        internal_date=datetime(2024, 5, 6, 9, tzinfo=UTC),
    )
    put(
        message(
            f"Date: {may} 10:00:00 +0200",
            "From: =?utf-8?q?=C3=84nne?= <carol@x>",
            "Cc: someone@x",
            "Subject: =?utf-8?q?=C3=A9toile?=",
            size=900,
        ),
        internal_date=datetime(2024, 5, 6, 9, tzinfo=UTC),
    )
    put(
        message(
            f"Date: {may} 12:00:00 +0200", "From: zoe <ann@x>", "To: y@x", "Subject: banana [FWD]", size=200
        ),
        internal_date=datetime(2024, 5, 1, tzinfo=UTC),
    )
    put(
        message("Date: soon", "From: dave@x, A <a@x>", "To: Kim <z@x>", "Subject: fwd: Déjà", size=300),
        internal_date=datetime(2024, 5, 6, 8, 30, tzinfo=UTC),
    )
    put(b"\r\n", internal_date=datetime(2024, 5, 7, tzinfo=UTC))


@pytest.mark.usefixtures("five")
def test_every_key(talk: Talk) -> None:
    script = "C: s SELECT INBOX\nS~ s OK …\n"
    for criteria, found in QUESTIONS:
        script += f"C: a SORT {criteria} UTF-8 ALL\nS: * SORT {found}\nS: a OK SORT completed\n"
    talk(script)


@pytest.mark.usefixtures("five")
def test_what_matches_and_how_it_is_told(talk: Talk) -> None:
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: a STORE 1 +FLAGS.SILENT (\\Deleted)
        S: a OK …
        C: b EXPUNGE
        S~ b OK …
        C: c UID SORT (REVERSE SIZE) US-ASCII NOT FROM carol
        S: * SORT 4 3 5
        S: c OK UID SORT completed
        C: d SORT (SUBJECT) UTF-8 FLAGGED
        S: * SORT
        S: d OK …
        C: e SORT (SUBJECT) KOI8-R ALL
        S: e NO [BADCHARSET (US-ASCII UTF-8)] …
        C: f UID SORT RETURN () (REVERSE ARRIVAL) UTF-8 ALL
        S: * ESEARCH (TAG "f") UID ALL 5,2,4,3
        S: f OK …
        C: g UID SORT RETURN (MIN MAX COUNT) (SIZE) UTF-8 ALL
        S: * ESEARCH (TAG "g") UID MIN 5 MAX 2 COUNT 4
        S: g OK …
        C: h SORT RETURN (ALL) (ARRIVAL) UTF-8 ALL
        S: * ESEARCH (TAG "h") ALL 2:3,1,4
        S: h OK …
        C: i SORT RETURN (SAVE MAX) (SIZE) UTF-8 ALL
        S: * ESEARCH (TAG "i") MAX 1
        S: i OK …
        C: j UID SORT (DATE) UTF-8 $
        S: * SORT 2
        S: j OK …
        C: k UID SORT RETURN (PARTIAL 2:3) (SIZE) UTF-8 ALL
        S: * ESEARCH (TAG "k") UID PARTIAL (2:3 3:4)
        S: k OK …
        C: l SORT (SIZE) UTF-8 3 MODSEQ 1
        S~ * SORT 3 (MODSEQ {modseq})
        S: l OK …
        C: m UID SORT RETURN (UPDATE COUNT) (SIZE) UTF-8 ALL
        S: * NO [NOUPDATE "m"] …
        S: * ESEARCH (TAG "m") UID COUNT 4
        S: m OK …
    """)


def test_what_breaks_the_grammar(talk: Talk) -> None:
    talk("""
        C: a SORT (DATE) UTF-8 ALL
        S: a BAD …
        C: s SELECT INBOX
        S~ s OK …
        C: b SORT (DATE) ALL
        S: b …
        C: c SORT () UTF-8 ALL
        S: c BAD …
        C: d SORT (REVERSE) UTF-8 ALL
        S: d BAD …
        C: e SORT (RELEVANCY) UTF-8 ALL
        S: e BAD …
        C: f SORT DATE UTF-8 ALL
        S: f BAD …
        C: g SORT (DATE) UTF-8
        S: g BAD …
        C: h SORT (REVERSE REVERSE DATE) UTF-8 ALL
        S: h BAD …
        C: i SORT (DATE) UTF-8 0
        S: i BAD …
    """)


def test_what_just_arrived_is_sorted(talk: Talk, put: Put) -> None:
    put("b")
    talk("C: s SELECT INBOX\nS~ s OK …")
    put("a")
    talk("""
        C: a SORT (SUBJECT) UTF-8 ALL
        S: * 2 EXISTS
        S: * 2 RECENT
        S: * SORT 2 1
        S: a OK …
    """)
