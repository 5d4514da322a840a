"""What POP3 says while the database is away, and that it goes on when it is back."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.transcript import Conversation

if TYPE_CHECKING:
    from mailboxes.models import Account

Talk = Callable[[str], dict[str, str]]


@contextmanager
def database_away() -> Iterator[None]:
    """Cuts every other connection to the database and lets no new one come about."""
    from django.db import connection, connections

    place = connections.settings["default"]
    connection.ensure_connection()
    host, place["HOST"] = place["HOST"], "/nowhere"
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        yield
    finally:
        place["HOST"] = host


@pytest.fixture(autouse=True)
def _retry_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailhost.net.store_threads.RETRY_CONNECTING_SECONDS", 0.0)


def test_a_session_outlives_the_absence(talk: Talk, put: Callable[[list[bytes]], list[int]]) -> None:
    put([b"Subject: one\r\n\r\n", b"Subject: " + b"x" * 300_000 + b"\r\n\r\n"])
    talk("C: STAT\nS: +OK 2 …")
    began = time.monotonic()
    with database_away():
        talk(
            """
            C: RETR 1
            S: -ERR [SYS/TEMP] The mail store is away. Try again in a moment.
            C: RETR 2
            S: -ERR [SYS/TEMP]…
            C: TOP 1 0
            S: -ERR [SYS/TEMP]…
            C: DELE 1
            S: +OK
            """
        )
    assert time.monotonic() - began < 5
    talk("C: RETR 2\nS: +OK…\nS~ .\nC: QUIT\nS: +OK Goodbye, 1 removed.\nS!")


def test_quit_tells_that_nothing_was_removed(
    talk: Talk, put: Callable[[list[bytes]], list[int]], account: "Account"
) -> None:
    from tests.conversations.pop3.maildrops import inbox

    put([b"Subject: one\r\n\r\n"])
    talk("C: DELE 1\nS: +OK")
    with database_away():
        talk("C: QUIT\nS: -ERR [SYS/TEMP] Some deleted messages were not removed.\nS!")
    assert inbox(account).message_count == 1


def test_signing_in_fails_for_now_and_not_for_the_password(ports: dict[str, int], account: "Account") -> None:
    with Conversation(ports["pop3s"], tls=True, words={"login": account.login}) as conversation:
        conversation.follow("S: +OK…")
        with database_away():
            conversation.follow("C: USER {login}\nS: +OK\nC: PASS correct horse\nS: -ERR [SYS/TEMP]…")
        conversation.follow("C: USER {login}\nS: +OK\nC: PASS correct horse\nS: +OK 0 messages.")


def test_a_message_that_breaks_off_never_looks_whole(
    talk: Talk, put: Callable[[list[bytes]], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mailboxes.pop3 import maildrop
    from mailboxes.store.fetch import fetch_slice
    from mailhost.net.store_threads import StoreUnavailable

    put([b"Subject: x\r\n\r\n" + b"x" * 900_000])

    def fail_later(*, mailbox_id: int, uid: int, offset: int, length: int) -> bytes | None:
        if offset > 300_000:
            raise StoreUnavailable("lost in the middle")
        return fetch_slice(mailbox_id=mailbox_id, uid=uid, offset=offset, length=length)

    monkeypatch.setattr(maildrop, "fetch_slice", fail_later)
    words = talk("C: RETR 1\nS: +OK…\nS: Subject: x\nS:\nS: {cut}")
    assert set(words["cut"]) <= {"x"}
    talk("S!")
