"""Binary messages to servers that take them, by BDAT (RFC 3030)."""

import pytest

from delivery.relay.outcome import Bounced, Deferred, Delivered, Outcome
from delivery.relay.transaction import Recipient, Transaction, send
from tests.delivery.relay.test_connection import kinds, reach
from tests.support.running import run
from tests.support.smtp_sink import CLOSE, DEFAULT_EXTENSIONS, END, smtp_sink

BINARY = (*DEFAULT_EXTENSIONS, "CHUNKING", "BINARYMIME")
STEP_BY_STEP = tuple(each for each in BINARY if each != "PIPELINING")
OCTETS = b"Subject: x\r\n\r\n" + bytes(range(256)) + b"\r\n.\r\n\n.\nno end"


def message(*forward_paths: str) -> Transaction:
    recipients = [Recipient(path) for path in forward_paths or ("bob@far.test",)]
    return Transaction("alice@example.test", recipients, OCTETS, len(OCTETS), "BINARYMIME", is_chunk=True)


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
