"""Searches that are kept up to date: RETURN (UPDATE), CANCELUPDATE (RFC 5267 section 4)."""

from collections.abc import Callable

import pytest

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]


@pytest.fixture
def four(put: Put) -> None:
    from mailboxes.store.values import Flag

    for number in range(4):
        put(f"number {number}", flags=Flag.SEEN if number == 1 else Flag(0))


@pytest.mark.usefixtures("four")
def test_what_others_change_comes_in_and_goes_out(talk: Talk, put: Put) -> None:
    talk("""
        1C: s SELECT INBOX
        1S~ s OK …
        2C: s SELECT INBOX
        2S~ s OK …
        1C: u1 UID SEARCH RETURN (UPDATE ALL) UNSEEN
        1S: * ESEARCH (TAG "u1") UID ALL 1,3:4
        1S: u1 OK …
        1C: u2 SEARCH RETURN (UPDATE COUNT) UNSEEN
        1S: * ESEARCH (TAG "u2") COUNT 3
        1S: u2 OK …
        1C: u3 UID SEARCH RETURN (UPDATE CONTEXT COUNT) SUBJECT number
        1S: * ESEARCH (TAG "u3") UID COUNT 4
        1S: u3 OK …
        2C: a STORE 3 +FLAGS.SILENT (\\Seen)
        2S: a OK …
        2C: b STORE 2 -FLAGS.SILENT (\\Seen)
        2S: b OK …
        1C: a NOOP
        1S: * 2 FETCH (UID 2 FLAGS (\\Recent))
        1S: * 3 FETCH (UID 3 FLAGS (\\Seen \\Recent))
        1S: * ESEARCH (TAG "u1") UID REMOVEFROM (0 3) ADDTO (0 2)
        1S: * ESEARCH (TAG "u2") REMOVEFROM (0 3) ADDTO (0 2)
        1S: a OK …
    """)
    put("number 4")
    put("other")
    talk("""
        1C: b NOOP
        1S: * 6 EXISTS
        1S: * 6 RECENT
        1S: * ESEARCH (TAG "u1") UID ADDTO (0 5:6)
        1S: * ESEARCH (TAG "u2") ADDTO (0 5:6)
        1S: * ESEARCH (TAG "u3") UID ADDTO (0 5)
        1S: b OK …
        2C: n NOOP
        2S~ n OK …
        2C: c UID STORE 1,5 +FLAGS.SILENT (\\Deleted)
        2S~ c OK …
        2C: d EXPUNGE
        2S~ d OK …
        1C: c FETCH 1,5 UID
        1S: * 1 FETCH (UID 1)
        1S: * 5 FETCH (UID 5)
        1S: c OK …
        1C: d NOOP
        1S: * ESEARCH (TAG "u1") UID REMOVEFROM (0 1,5)
        1S: * ESEARCH (TAG "u2") REMOVEFROM (0 1,5)
        1S: * ESEARCH (TAG "u3") UID REMOVEFROM (0 1,5)
        1S: * 5 EXPUNGE
        1S: * 1 EXPUNGE
        1S: * 4 RECENT
        1S: d OK …
        1C: e CANCELUPDATE "u1" "u2"
        1S: e OK CANCELUPDATE completed
        1C: f STORE 1 +FLAGS.SILENT (\\Seen)
        1S: f OK …
        1C: g CANCELUPDATE "u1"
        1S: g NO …
        1C: h CANCELUPDATE u3
        1S: h BAD …
        1C: i CANCELUPDATE
        1S: i BAD …
    """)


@pytest.mark.usefixtures("four")
def test_ones_own_changes_are_told_too_and_idle_hears_them(talk: Talk, put: Put) -> None:
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: u SEARCH RETURN (UPDATE ALL) FLAGGED UID 2:*
        S: * ESEARCH (TAG "u")
        S: u OK …
        C: a STORE 1:3 +FLAGS.SILENT (\\Flagged)
        S: * ESEARCH (TAG "u") ADDTO (0 2:3)
        S: a OK …
        C: b STORE 3 -FLAGS.SILENT (\\Flagged)
        S: * ESEARCH (TAG "u") REMOVEFROM (0 3)
        S: b OK …
        C: c IDLE
        S: + idling
    """)
    from mailboxes.store.values import Flag

    put("flagged", flags=Flag.FLAGGED)
    talk("""
        S: * 5 EXISTS
        S: * 5 RECENT
        S: * ESEARCH (TAG "u") ADDTO (0 5)
        C: DONE
        S: c OK …
        C: u SEARCH RETURN (UPDATE) ALL
        S: u BAD …
        C: d EXAMINE INBOX
        S~ d OK …
        C: u SEARCH RETURN (UPDATE) SEEN
        S: * ESEARCH (TAG "u")
        S: u OK …
    """)


@pytest.mark.usefixtures("four")
def test_there_is_an_end_to_what_is_kept(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    from mailboxes.imap import contexts

    script = "C: s SELECT INBOX\nS~ s OK …\n"
    for number in range(contexts.MAX_CONTEXTS):
        script += f"""
            C: k{number} SEARCH RETURN (UPDATE COUNT) SEEN
            S: * ESEARCH (TAG "k{number}") COUNT 1
            S: k{number} OK …
        """
    talk(script)
    talk("""
        C: x SEARCH RETURN (UPDATE COUNT) SEEN
        S: * NO [NOUPDATE "x"] …
        S: * ESEARCH (TAG "x") COUNT 1
        S: x OK …
        C: y CANCELUPDATE "k3"
        S: y OK …
        C: z SEARCH RETURN (UPDATE COUNT) SEEN
        S: * ESEARCH (TAG "z") COUNT 1
        S: z OK …
    """)
    monkeypatch.setattr(contexts, "MAX_FOUND", 12)
    talk("""
        C: y CANCELUPDATE "k4"
        S: y OK …
        C: v SEARCH RETURN (UPDATE COUNT) ALL
        S: * NO [NOUPDATE "v"] …
        S: * ESEARCH (TAG "v") COUNT 4
        S: v OK …
    """)


@pytest.mark.usefixtures("four")
def test_while_the_store_is_away_nothing_is_lost(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    from mailboxes.imap import contexts
    from mailhost.net.store_threads import StoreUnavailable

    async def away(*_: object) -> None:
        raise StoreUnavailable("the database is away")

    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: u SEARCH RETURN (UPDATE ALL) FLAGGED
        S: * ESEARCH (TAG "u")
        S: u OK …
    """)
    with monkeypatch.context() as patch:
        patch.setattr(contexts, "in_store", away)
        talk("C: a STORE 2 +FLAGS.SILENT (\\Flagged)\nS: a OK …")
    talk("""
        C: b NOOP
        S: * ESEARCH (TAG "u") ADDTO (0 2)
        S: b OK …
    """)
