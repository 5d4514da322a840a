"""What a session does while the store is away, and after it came back; and when the mailbox is full."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import structlog

from tests.support.transcript import Client

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]

SELECT = "C: s SELECT INBOX\nS~ s OK …\n"


def test_a_session_outlives_the_store(talk: Talk, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    from mailhost.net import store_threads

    put()
    talk(SELECT + "C: a FETCH 1 FLAGS\nS: * 1 FETCH …\nS: a OK …")

    async def away(*_: object, **__: object) -> None:
        raise store_threads.StoreUnavailable("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(store_threads.StoreThreads, "run", away)
        talk("""
            C: b FETCH 1 ENVELOPE
            S: b NO [UNAVAILABLE] …
            C: c STATUS Sent (MESSAGES)
            S: c NO [UNAVAILABLE] …
            C: d NOOP
            S: d OK NOOP completed
            C: e IDLE
            S: + idling
            C: DONE
            S: e OK IDLE completed
            C: f STORE 1 +FLAGS (\\Seen)
            S: f NO [UNAVAILABLE] …
        """)
    put()
    talk("""
        C: g NOOP
        S: * 2 EXISTS
        S: * 2 RECENT
        S: g OK NOOP completed
        C: h FETCH 1 (FLAGS UID)
        S: * 1 FETCH (FLAGS (\\Recent) UID 1)
        S: h OK …
    """)


def test_connections_that_postgres_closed_are_replaced(talk: Talk) -> None:
    from django.db import connection

    talk(SELECT)
    with connection.cursor() as sql:
        sql.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    talk("""
        C: a STATUS Sent (MESSAGES)
        S: * STATUS Sent (MESSAGES 0)
        S: a OK …
    """)


def test_a_full_account_refuses_append_and_copy(doors: "Doors") -> None:
    from tests.conversations.imap.messages import put_message
    from tests.support.hosting import new_account
    from tests.support.transcript import converse

    login = new_account(quota_octets=300).login
    put_message(login, "small")
    converse(
        doors.plain,
        """
        S: * OK …
        C: a LOGIN {login} "correct horse"
        S: a OK …
        C: b APPEND INBOX {200+}
        C: """
        + "x" * 200
        + """
        S: b NO [OVERQUOTA] …
        C: c SELECT INBOX
        S~ c OK …
        C: d COPY 1 Sent
        S: d NO [OVERQUOTA] …
        C: e MOVE 1 Sent
        S: * OK [COPYUID …
        S~ e OK …
        """,
        login=login,
    )


def test_append_to_no_mailbox_asks_for_create(talk: Talk) -> None:
    talk("""
        C: a APPEND nowhere {3+}
        C: x:y
        S: a NO [TRYCREATE] …
        C: b APPEND INBOX {0}
        S: + …
        C:
        S: b NO [CANNOT] …
    """)


def test_a_server_that_ends_says_bye(shared_db: None) -> None:
    from mailboxes.imap.server import imap_host, listening
    from tests.support.running import run

    async def scenario() -> None:
        import asyncio

        async with imap_host(tls=None) as host:
            opened = listening(host, ports={"imap": 0})
            ports = await opened.__aenter__()
            client = await asyncio.to_thread(Client, ports["imap"])
            assert (await asyncio.to_thread(client.read_line) or b"").startswith(b"* OK")
            await opened.__aexit__(None, None, None)
            assert await asyncio.to_thread(client.read_line) == b"* BYE Server is shutting down\r\n"
            assert await asyncio.to_thread(client.read_line) is None
            client.close()

    run(scenario())


def test_a_mistake_of_ours_costs_one_command(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 5530: SERVERBUG; the session goes on, and the log says where it happened."""
    from mailboxes.imap.commands.table import COMMANDS
    from mailhost.protocols.imap.commands import Namespace

    async def broken(*_: object) -> None:
        raise LookupError("the mistake")

    with structlog.testing.capture_logs() as logged:
        monkeypatch.setattr("mailboxes.imap.dispatch.COMMANDS", {**COMMANDS, Namespace: broken})
        talk("""
            C: a NAMESPACE
            S: a NO [SERVERBUG] …
            C: b NOOP
            S: b OK NOOP completed
        """)
    (failure,) = [entry for entry in logged if entry["event"] == "command failed"]
    assert isinstance(failure["exc_info"], LookupError)


def test_a_response_that_cannot_be_finished_ends_the_connection(
    talk: Talk, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reply would be taken for a part of the literal."""
    from mailboxes.imap import fetching_large
    from mailhost.net import store_threads

    put(b"Subject: large\r\n\r\n" + b"x" * 4_000_000)

    async def away(*_: object, **__: object) -> None:
        raise store_threads.StoreUnavailable("the database is away")

    talk(SELECT)
    monkeypatch.setattr(fetching_large, "in_store", away)
    talk("""
        C: a FETCH 1 BODY[]
        S: * 1 FETCH (BODY[] {4000018}
        S!
    """)
