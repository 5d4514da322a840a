"""IDLE (RFC 2177): what happens is told at once, to each session what is new to it."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.support.transcript import converse

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]


def test_two_sessions_interleaved(talk: Talk, put: Put) -> None:
    put("one")
    talk("""
        1C: s SELECT INBOX
        1S~ s OK …
        2C: s SELECT INBOX
        2S~ s OK …
        1C: a IDLE
        1S: + idling
        2C: a STORE 1 +FLAGS (\\Flagged)
        2S: * 1 FETCH (FLAGS (\\Flagged))
        2S: a OK …
        1S: * 1 FETCH (UID 1 FLAGS (\\Flagged \\Recent))
    """)
    put("two")
    talk("""
        1S: * 2 EXISTS
        1S: * 2 RECENT
        2C: b UID MOVE 1 Trash
        2S: * OK [COPYUID …] …
        2S: * 1 EXPUNGE
        2S: * 1 EXISTS
        2S: * 1 RECENT
        2S: b OK …
        1S: * 1 EXPUNGE
        1S: * 1 RECENT
        1C: done
        1S: a OK IDLE completed
        1C: b IDLE
        1S: + idling
        1C: NOOP
        1S: b BAD Expected DONE
        1C: c FETCH 1 UID
        1S: * 1 FETCH (UID 2)
        1S: c OK …
    """)


def test_what_came_before_is_told_when_idle_begins(talk: Talk, put: Put) -> None:
    talk("C: s SELECT INBOX\nS~ s OK …")
    put()
    talk("""
        C: a IDLE
        S: + idling
        S: * 1 EXISTS
        S: * 1 RECENT
        C: DONE
        S: a OK IDLE completed
    """)


def test_idle_without_a_mailbox_only_waits(talk: Talk) -> None:
    talk("""
        C: a IDLE
        S: + idling
        C: DONE
        S: a OK IDLE completed
    """)


def test_idle_says_that_it_is_there_and_ends_in_the_end(doors: "Doors", login: str) -> None:
    converse(
        doors.small,
        """
        S: * OK …
        C: a LOGIN {login} "correct horse"
        S: a OK …
        C: b IDLE
        S: + idling
        S: * OK Still here
        S~ * BYE Nothing heard for too long
        S!
        """,
        login=login,
    )


def test_what_was_announced_while_the_store_was_away_is_told_when_it_is_back(
    talk: Talk, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mailboxes.imap import selected, waiting
    from mailhost.net.store_threads import StoreUnavailable

    monkeypatch.setattr(waiting, "LOOK_AGAIN_SECONDS", 0.1)
    talk("C: s SELECT INBOX\nS~ s OK …\nC: a IDLE\nS: + idling\n")
    looked = threading.Event()

    async def away(*_: object, **__: object) -> None:
        looked.set()
        raise StoreUnavailable("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(selected, "in_store", away)
        put()
        assert looked.wait(10)
    talk("""
        S: * 1 EXISTS
        S: * 1 RECENT
        C: DONE
        S: a OK IDLE completed
    """)
