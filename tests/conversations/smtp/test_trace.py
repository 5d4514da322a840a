"""What a session leaves in the trace: each recipient, taken or refused, and sessions that never got so far."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from delivery import trace
from delivery.models import QueuedMessage
from delivery.models.trace import Outcome
from delivery.smtp.tracing import TraceWriter
from mailboxes.sender_rules import set_sender_rule
from tests.conversations.smtp.listening import Doors, open_doors
from tests.conversations.smtp.test_submission import submit
from tests.support.hosting import new_account
from tests.support.servers import running
from tests.support.transcript import converse

Row = tuple[str, str, str]


@asynccontextmanager
async def traced(folder: Path, noted: list[trace.Noted]) -> AsyncIterator[Doors]:
    async with open_doors(folder) as doors:
        doors.host.trace = noted.extend
        yield doors


@pytest.fixture
def noted() -> list[trace.Noted]:
    return []


@pytest.fixture
def doors(shared_db: None, tmp_path: Path, noted: list[trace.Noted]) -> Iterator[Doors]:
    with running(traced(tmp_path, noted)) as opened:
        yield opened


def told(noted: list[trace.Noted]) -> list[Row]:
    return [(each.forward_path, each.outcome.label, each.reply[:9]) for each in noted]


def test_each_recipient_has_a_row_with_what_became_of_it(doors: Doors, noted: list[trace.Noted]) -> None:
    alice, bob = new_account("alice"), new_account("bob")
    set_sender_rule(account_id=bob.pk, pattern="@far.test", is_allowed=False, by="test")
    converse(
        doors.ports.smtp,
        """
        S: 220 …
        C: EHLO client.test
        S~ 250 HELP
        C: MAIL FROM:<ann@far.test>
        S: 250 …
        C: RCPT TO:<{alice}>
        S: 250 …
        C: RCPT TO:<nobody-{alice}>
        S: 550 5.1.1 …
        C: RCPT TO:<{bob}>
        S: 250 …
        C: DATA
        S: 354 …
        C: From: ann@far.test
        C: Message-ID:
        C:  <1@far.test>
        C: 
        C: text
        C: .
        S: 250 2.0.0 Ok: accepted as {trace}
        C: QUIT
        S: 221 …
        S!
        """,
        alice=alice.login,
        bob=bob.login,
    )
    assert told(noted) == [
        (f"nobody-{alice.login}", "refused", "550 5.1.1"),
        (alice.login, "accepted", "250 2.0.0"),
        (bob.login, "held in quarantine", "250 2.0.0"),
    ]
    assert {each.session for each in noted} == {noted[0].session}
    last = noted[-1]
    assert (last.account_id, last.message_id, last.reverse_path) == (bob.pk, "<1@far.test>", "ann@far.test")
    assert last.trace_id in last.reply


def test_a_message_that_is_refused_at_its_end_is_noted_once_for_each_recipient(
    doors: Doors, noted: list[trace.Noted]
) -> None:
    bob = new_account("bob")
    set_sender_rule(account_id=bob.pk, pattern="@far.test", is_allowed=False, by="test")
    converse(
        doors.ports.smtp,
        """
        S: 220 …
        C: EHLO client.test
        S~ 250 HELP
        C: MAIL FROM:<ann@far.test>
        S: 250 …
        C: RCPT TO:<{bob}>
        S: 250 …
        C: DATA
        S: 354 …
        C: From: ann@far.test
        C: 
        C: .
        S: 550 5.7.1 …
        C: NOOP
        S: 250 …
        C: RCPT TO:<{bob}>
        S: 503 5.5.1 …
        """,
        bob=bob.login,
    )
    assert told(noted) == [(bob.login, "refused", "550 5.7.1"), ("", "refused", "503 5.5.1")]


def test_a_session_that_is_refused_before_it_names_anybody_is_noted(
    doors: Doors, noted: list[trace.Noted]
) -> None:
    converse(doors.ports.smtp, "S: 220 …\nC: GET / HTTP/1.1\nS: 421 …\nS!\n")
    [only] = noted
    assert (only.peer, only.forward_path, only.outcome) == ("127.0.0.1", "", Outcome.DEFERRED)


def test_the_writer_puts_everything_into_the_database_before_it_ends(shared_db: None) -> None:
    account = new_account("alice")
    from datetime import UTC, datetime

    row = trace.Noted(
        datetime.now(UTC),
        "a",
        "b",
        "192.0.2.1",
        "",
        "",
        "",
        "",
        account.login,
        "",
        account.pk,
        "",
        1,
        Outcome.JUNK,
        "",
    )

    async def write() -> None:
        writer = TraceWriter()
        writer.note([row] * 1_200)
        await writer.close()

    asyncio.run(write())
    assert trace.search(account_id=account.pk).count() == 1_200


def test_what_came_without_a_name_is_noted_by_the_one_that_it_got(
    doors: Doors, noted: list[trace.Noted]
) -> None:
    alice = new_account("alice")
    submit(
        doors,
        alice,
        """
        C: MAIL FROM:<{me}>
        S: 250 …
        C: RCPT TO:<bob@far.test>
        S: 250 …
        C: RCPT TO:<{me}>
        S: 250 …
        C: DATA
        S: 354 …
        C: From: {me}
        C: 
        C: text
        C: .
        S: 250 2.0.0 Ok: …
        """,
    )
    queued = QueuedMessage.objects.get(account=alice)
    assert queued.message_id_field.startswith("<")
    assert [(each.forward_path, each.message_id) for each in noted] == [
        ("bob@far.test", queued.message_id_field),
        (alice.login, queued.message_id_field),
    ]
