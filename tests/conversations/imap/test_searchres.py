"""`$`, the saved result of a search (RFC 5182; with PARTIAL, RFC 9394 section 3.2)."""

from collections.abc import Callable

import pytest

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]


@pytest.fixture
def six(put: Put) -> None:
    for number in range(6):
        put(f"number {number % 3}")


@pytest.mark.usefixtures("six")
def test_what_was_saved_stands_wherever_a_set_stands(talk: Talk) -> None:
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: a SEARCH RETURN (SAVE) SUBJECT "number 1"
        S: a OK SEARCH completed
        C: b FETCH $ UID
        S: * 2 FETCH (UID 2)
        S: * 5 FETCH (UID 5)
        S: b OK …
        C: c UID FETCH $ UID
        S: * 2 FETCH (UID 2)
        S: * 5 FETCH (UID 5)
        S: c OK …
        C: d STORE $ +FLAGS (\\Seen)
        S: * 2 FETCH (FLAGS (\\Seen \\Recent))
        S: * 5 FETCH (FLAGS (\\Seen \\Recent))
        S: d OK …
        C: e SEARCH OR $ 1
        S: * SEARCH 1 2 5
        S: e OK …
        C: f SEARCH NOT UID $
        S: * SEARCH 1 3 4 6
        S: f OK …
        C: g COPY $ Archive
        S: g OK [COPYUID {validity} 2,5 1:2] COPY completed
        C: h UID SEARCH RETURN (SAVE COUNT) NOT $
        S: * ESEARCH (TAG "h") UID COUNT 4
        S: h OK …
        C: i SEARCH RETURN (SAVE) $ SUBJECT "number 2"
        S: i OK …
        C: j UID MOVE $ Trash
        S: * OK [COPYUID …] …
        S~ j OK …
        C: k FETCH $ UID
        S: k OK …
        C: l SEARCH RETURN (SAVE) SUBJECT "number 0"
        S: l OK …
        C: m STORE $ +FLAGS.SILENT (\\Deleted)
        S: m OK …
        C: n UID EXPUNGE $
        S~ n OK …
        C: o UID SEARCH ALL
        S: * SEARCH 2 5
        S: o OK …
    """)


@pytest.mark.usefixtures("six")
def test_what_is_saved_beside_other_options(talk: Talk) -> None:
    script = "C: s SELECT INBOX\nS~ s OK …\n"
    for options, told, saved in [
        ("SAVE MIN", "MIN 1", "1"),
        ("MAX SAVE", "MAX 6", "6"),
        ("SAVE MIN MAX", "MIN 1 MAX 6", "1 6"),
        ("SAVE MIN COUNT", "MIN 1 COUNT 6", "1 2 3 4 5 6"),
        ("SAVE ALL MAX", "MAX 6 ALL 1:6", "1 2 3 4 5 6"),
        ("SAVE PARTIAL 2:3", "PARTIAL (2:3 2:3)", "2 3"),
        ("SAVE PARTIAL -1:-2 MIN", "MIN 1 PARTIAL (-1:-2 5:6)", "1 5 6"),
        ("SAVE PARTIAL 2:3 COUNT", "COUNT 6 PARTIAL (2:3 2:3)", "1 2 3 4 5 6"),
    ]:
        script += f"""
            C: a SEARCH RETURN ({options}) ALL
            S: * ESEARCH (TAG "a") {told}
            S: a OK …
            C: b SEARCH $
            S: * SEARCH {saved}
            S: b OK …
        """
    talk(script)


@pytest.mark.usefixtures("six")
def test_when_it_is_emptied_and_when_it_stays(talk: Talk) -> None:
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: a SEARCH $
        S: * SEARCH
        S: a OK …
        C: b SEARCH RETURN (SAVE) 2
        S: b OK …
        C: c SEARCH RETURN (SAVE) 0
        S: c BAD …
        C: d SEARCH CHARSET KOI8-R ALL
        S: d NO [BADCHARSET …
        C: e SEARCH RETURN (COUNT) ALL
        S: * ESEARCH …
        S: e OK …
        C: f SEARCH $
        S: * SEARCH 2
        S: f OK …
        C: g SEARCH RETURN (SAVE) CHARSET KOI8-R ALL
        S: g NO [BADCHARSET …
        C: h SEARCH $
        S: * SEARCH
        S: h OK …
        C: i SEARCH RETURN (SAVE) 2
        S: i OK …
        C: j EXAMINE INBOX
        S~ j OK …
        C: k SEARCH $
        S: * SEARCH
        S: k OK …
        C: l FETCH $,1 UID
        S: l BAD …
        C: m FETCH 1,$ UID
        S: m BAD …
    """)


@pytest.mark.usefixtures("six")
def test_what_another_session_expunges_is_no_longer_meant(talk: Talk) -> None:
    talk("""
        1C: s SELECT INBOX
        1S~ s OK …
        2C: s SELECT INBOX
        2S~ s OK …
        1C: a SEARCH RETURN (SAVE) 2:4
        1S: a OK …
        2C: a STORE 1,3 +FLAGS.SILENT (\\Deleted)
        2S: a OK …
        2C: b EXPUNGE
        2S~ b OK …
        1C: b NOOP
        1S: * 3 EXPUNGE
        1S: * 1 EXPUNGE
        1S~ b OK …
        1C: c FETCH $ UID
        1S: * 1 FETCH (UID 2)
        1S: * 2 FETCH (UID 4)
        1S: c OK …
    """)


@pytest.mark.usefixtures("six")
def test_a_result_that_is_too_large_is_not_saved(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    from mailboxes.imap import search_answers

    monkeypatch.setattr(search_answers, "MAX_SAVED", 5)
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: a SEARCH RETURN (SAVE) 1:5
        S: a OK …
        C: b SEARCH RETURN (SAVE) ALL
        S: b NO [NOTSAVED] …
        C: c SEARCH $
        S: * SEARCH
        S: c OK …
    """)
