"""SEARCH RETURN and its ESEARCH responses (RFC 4731, RFC 9051 section 6.4.4, RFC 7162 section 3.1.10)."""

from collections.abc import Callable

import pytest

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]


@pytest.fixture
def five(put: Put) -> None:
    from mailboxes.store.values import Flag

    for number in range(5):
        put(f"number {number}", flags=Flag.SEEN if number == 2 else Flag(0))


@pytest.mark.usefixtures("five")
def test_each_return_option(talk: Talk) -> None:
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: d STORE 1 +FLAGS.SILENT (\\Deleted)
        S: d OK …
        C: e EXPUNGE
        S~ e OK …
        C: a SEARCH RETURN (MIN) UNSEEN
        S: * ESEARCH (TAG "a") MIN 1
        S: a OK SEARCH completed
        C: b UID SEARCH RETURN (MIN MAX COUNT ALL) UNSEEN
        S: * ESEARCH (TAG "b") UID MIN 2 MAX 5 ALL 2,4:5 COUNT 3
        S: b OK UID SEARCH completed
        C: c SEARCH RETURN () UNSEEN
        S: * ESEARCH (TAG "c") ALL 1,3:4
        S: c OK …
        C: d SEARCH RETURN (MIN MAX ALL COUNT) FLAGGED
        S: * ESEARCH (TAG "d") COUNT 0
        S: d OK …
        C: e SEARCH RETURN (MAX) FLAGGED
        S: * ESEARCH (TAG "e")
        S: e OK …
        C: f UID SEARCH return (count) CHARSET UTF-8 SUBJECT number
        S: * ESEARCH (TAG "f") UID COUNT 4
        S: f OK …
        C: "g" SEARCH RETURN (COUNT) ALL
        S: * BAD …
        C: i] SEARCH RETURN (COUNT) ALL
        S: * ESEARCH (TAG "i]") COUNT 4
        S: i] OK …
    """)


@pytest.mark.usefixtures("five")
def test_what_is_no_return_option_is_refused(talk: Talk) -> None:
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: a SEARCH RETURN (MEDIAN) ALL
        S: a BAD …
        C: b SEARCH RETURN MIN ALL
        S: b BAD …
        C: c SEARCH RETURN (MIN)
        S: c BAD …
        C: d SEARCH RETURN (ALL PARTIAL 1:2) ALL
        S: d BAD …
        C: e SEARCH RETURN (PARTIAL 1:2 PARTIAL 3:4) ALL
        S: e BAD …
        C: f SEARCH RETURN (PARTIAL 0:2) ALL
        S: f BAD …
        C: g SEARCH RETURN (PARTIAL -1:2) ALL
        S: g BAD …
        C: h SEARCH RETURN (PARTIAL 1:*) ALL
        S: h BAD …
        C: i SEARCH RETURN (PARTIAL 5) ALL
        S: i BAD …
    """)


@pytest.mark.usefixtures("five")
def test_pages_of_results(talk: Talk) -> None:
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: a SEARCH RETURN (PARTIAL 1:2) UNSEEN
        S: * ESEARCH (TAG "a") PARTIAL (1:2 1:2)
        S: a OK …
        C: b UID SEARCH RETURN (PARTIAL 4:3 COUNT) UNSEEN
        S: * ESEARCH (TAG "b") UID COUNT 4 PARTIAL (4:3 4:5)
        S: b OK …
        C: c SEARCH RETURN (PARTIAL 4:100) UNSEEN
        S: * ESEARCH (TAG "c") PARTIAL (4:100 5)
        S: c OK …
        C: d SEARCH RETURN (PARTIAL 5:100) UNSEEN
        S: * ESEARCH (TAG "d") PARTIAL (5:100 NIL)
        S: d OK …
        C: e SEARCH RETURN (PARTIAL -1:-2 MIN) UNSEEN
        S: * ESEARCH (TAG "e") MIN 1 PARTIAL (-1:-2 4:5)
        S: e OK …
        C: f SEARCH RETURN (PARTIAL -4:-3) UNSEEN
        S: * ESEARCH (TAG "f") PARTIAL (-4:-3 1:2)
        S: f OK …
        C: g SEARCH RETURN (PARTIAL -5:-6) UNSEEN
        S: * ESEARCH (TAG "g") PARTIAL (-5:-6 NIL)
        S: g OK …
        C: h SEARCH RETURN (PARTIAL -1:-4294967295) UNSEEN
        S: * ESEARCH (TAG "h") PARTIAL (-1:-4294967295 1:2,4:5)
        S: h OK …
    """)


@pytest.mark.usefixtures("five")
def test_in_imap4rev2_every_search_is_told_so(talk: Talk) -> None:
    talk("""
        C: n ENABLE IMAP4rev2
        S: * ENABLED IMAP4rev2
        S: n OK …
        C: s SELECT INBOX
        S~ s OK …
        C: a SEARCH UNSEEN
        S: * ESEARCH (TAG "a") ALL 1:2,4:5
        S: a OK …
        C: b UID SEARCH SEEN
        S: * ESEARCH (TAG "b") UID ALL 3
        S: b OK …
        C: c SEARCH FLAGGED
        S: * ESEARCH (TAG "c")
        S: c OK …
        C: d SEARCH RETURN (SAVE) UNSEEN
        S: d OK …
        C: e UID SEARCH $ 1:4
        S: * ESEARCH (TAG "e") UID ALL 1:2,4
        S: e OK …
        C: f SORT (REVERSE ARRIVAL) UTF-8 1:2
        S: * SORT 1 2
        S: f OK …
    """)


@pytest.mark.usefixtures("five")
def test_what_is_switched_off_is_not_known(talk: Talk, login: str) -> None:
    from mailboxes.models import Account

    hidden = ["ESEARCH", "SEARCHRES", "WITHIN", "OBJECTID", "PARTIAL", "THREAD=REFERENCES", "SORT=DISPLAY"]
    hidden += ["MULTISEARCH", "ESORT", "CONTEXT=SEARCH"]
    Account.objects.filter(login=login).update(imap_switched_off=hidden)
    script = "C: s SELECT INBOX\nS~ s OK …\n"
    for number, refused in enumerate(
        [
            "SEARCH RETURN (COUNT) ALL",
            "SEARCH RETURN (SAVE) ALL",
            "SEARCH RETURN (UPDATE) ALL",
            "SEARCH RETURN (PARTIAL 1:2) ALL",
            "SEARCH NOT OLDER 5",
            "SEARCH OR EMAILID E1 SEEN",
            "SEARCH THREADID T1",
            "THREAD REFERENCES UTF-8 ALL",
            "SORT (DISPLAYFROM) UTF-8 ALL",
            "SORT RETURN () (DATE) UTF-8 ALL",
            "SORT (DATE) UTF-8 YOUNGER 5",
            "THREAD ORDEREDSUBJECT UTF-8 YOUNGER 5",
            "UID FETCH 1:* UID (PARTIAL 1:2)",
            "ESEARCH IN (personal) ALL",
            'CANCELUPDATE "x"',
        ]
    ):
        script += f"C: a{number} {refused}\nS: a{number} BAD …\n"
    talk(script)
    talk("""
        C: b SEARCH SEEN
        S: * SEARCH 3
        S: b OK …
        C: c THREAD ORDEREDSUBJECT UTF-8 1
        S: * THREAD (1)
        S: c OK …
    """)


@pytest.mark.usefixtures("five")
def test_the_mod_sequence_is_that_of_what_is_told(talk: Talk) -> None:
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: x STORE 2 +FLAGS.SILENT (\\Flagged)
        S: x OK …
        C: a SEARCH RETURN (ALL) MODSEQ 1
        S~ * ESEARCH (TAG "a") ALL 1:5 MODSEQ {second}
        S: a OK …
        C: b SEARCH RETURN (MAX) MODSEQ 1
        S: * ESEARCH (TAG "b") MAX 5 MODSEQ {last}
        S: b OK …
        C: c SEARCH RETURN (MIN) MODSEQ {second}
        S: * ESEARCH (TAG "c") MIN 2 MODSEQ {second}
        S: c OK …
        C: d SEARCH RETURN (COUNT) MODSEQ 99999
        S: * ESEARCH (TAG "d") COUNT 0
        S: d OK …
    """)
