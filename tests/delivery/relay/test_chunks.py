"""Binary messages to servers that take them, by BDAT (RFC 3030)."""

from dataclasses import replace

import pytest

from delivery.relay.content import CHUNK_OCTETS, CHUNKS_ON_THE_WAY
from delivery.relay.outcome import Bounced, Deferred, Delivered, Outcome
from delivery.relay.transaction import Recipient, Transaction, send
from tests.delivery.relay.test_connection import IMPATIENT, PATIENT, kinds, reach
from tests.support.running import run
from tests.support.smtp_sink import CLOSE, DEFAULT_EXTENSIONS, END, HANG, smtp_sink

BINARY = (*DEFAULT_EXTENSIONS, "CHUNKING", "BINARYMIME")
STEP_BY_STEP = tuple(each for each in BINARY if each != "PIPELINING")
OCTETS = b"Subject: x\r\n\r\n" + bytes(range(256)) + b"\r\n.\r\n\n.\nno end"


def message(*forward_paths: str) -> Transaction:
    recipients = [Recipient(path) for path in forward_paths or ("bob@far.test",)]
    return Transaction("alice@example.test", recipients, OCTETS, len(OCTETS), "BINARYMIME", is_chunked=True)


@pytest.mark.parametrize("extensions", [BINARY, STEP_BY_STEP])
def test_the_octets_arrive_as_they_are(extensions: tuple[str, ...]) -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.extensions = extensions
            sink.say("RCPT eve@", "550 5.1.1 no")
            connection = await reach(sink)
            for _ in range(2):
                outcomes = await send(connection, message("eve@far.test", "bob@far.test"))
                assert kinds(outcomes) == [(Bounced, "5.1.1"), (Delivered, "")]
            received = await sink.wait_for(2)
            assert [each.data for each in received] == [OCTETS, OCTETS]
            assert received[0].forward_paths == ["bob@far.test"]
            assert f"BDAT {len(OCTETS)} LAST" in received[0].commands
            assert (
                f"MAIL FROM:<alice@example.test> SIZE={len(OCTETS)} BODY=BINARYMIME" in received[0].commands
            )
            await connection.quit()

    run(scenario())


@pytest.mark.parametrize("extensions", [BINARY, STEP_BY_STEP])
@pytest.mark.parametrize(
    ("command", "reply", "kind", "status"),
    [
        ("MAIL", "550 5.7.1 not you", Bounced, "5.7.1"),
        ("RCPT", "451 4.7.1 greylisted", Deferred, "4.7.1"),
        (END, "554 5.6.0 no", Bounced, "5.6.0"),
        (END, "452 4.3.1 later", Deferred, "4.3.1"),
        (END, CLOSE, Deferred, "4.4.2"),
    ],
)
def test_refusals(
    extensions: tuple[str, ...], command: str, reply: str, kind: type[Outcome], status: str
) -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.extensions = extensions
            sink.say(command, reply)
            connection = await reach(sink)
            assert kinds(await send(connection, message())) == [(kind, status)]
            if command != END:  # nobody is to have it, so it is not sent
                assert not any(each.startswith("BDAT") for each in sink.commands)
            connection.abort()

    run(scenario())


LONG = (
    bytes(range(256)) * (CHUNK_OCTETS // 256 * 9 // 2) + b"the end"
)  # five chunks: more than may be unanswered


def long_message() -> Transaction:
    return replace(message(), data=LONG, size_octets=len(LONG))


@pytest.mark.parametrize("extensions", [BINARY, STEP_BY_STEP])
def test_a_long_message_goes_in_chunks(extensions: tuple[str, ...]) -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.extensions = extensions
            connection = await reach(sink)
            for _ in range(2):
                assert kinds(await send(connection, long_message())) == [(Delivered, "")]
            assert [each.data for each in await sink.wait_for(2)] == [LONG, LONG]
            chunks = [each for each in sink.received[0].commands if each.startswith("BDAT")]
            assert chunks == [f"BDAT {CHUNK_OCTETS}"] * 4 + [f"BDAT {len(LONG) - 4 * CHUNK_OCTETS} LAST"]
            await connection.quit()

    run(scenario())


@pytest.mark.parametrize("extensions", [BINARY, STEP_BY_STEP])
@pytest.mark.parametrize(
    ("first", "kind", "status"),
    [
        ("552 5.3.4 too long", Bounced, "5.3.4"),
        ("452 4.3.1 full", Deferred, "4.3.1"),
        (CLOSE, Deferred, "4.4.2"),
        (HANG, Deferred, "4.4.2"),
        ("421 4.3.2 closing", Deferred, "4.3.2"),
    ],
)
def test_after_a_refused_chunk_no_more_is_sent_than_was_on_its_way(
    extensions: tuple[str, ...], first: str, kind: type[Outcome], status: str
) -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.extensions = extensions
            sink.say("BDAT", first, "503 5.5.1 not now")
            sink.say(END, "503 5.5.1 not now")
            connection = await reach(sink)
            connection.timeouts = IMPATIENT["BDAT"] if first == HANG else PATIENT
            assert kinds(await send(connection, long_message())) == [(kind, status)]
            sent = [each for each in sink.commands if each.startswith("BDAT")]
            assert len(sent) <= (CHUNKS_ON_THE_WAY if extensions is BINARY else 1)
            assert sink.received == []
            if connection.is_usable:
                sink.script.clear()
                assert kinds(await send(connection, message())) == [(Delivered, "")]
                assert "RSET" in sink.commands  # RFC 3030 section 2
            connection.abort()

    run(scenario())


def test_a_refusal_of_the_last_chunk_counts_whatever_was_said_before() -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.extensions = BINARY
            sink.say(END, "554 5.7.1 spam")
            connection = await reach(sink)
            assert kinds(await send(connection, long_message())) == [(Bounced, "5.7.1")]
            connection.abort()

    run(scenario())
