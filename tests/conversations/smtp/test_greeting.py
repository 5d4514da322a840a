"""Who speaks before the greeting (RFC 5321 section 4.3.1), on a transport in memory and against a real listener."""

import asyncio
import ipaddress
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from delivery.smtp.patient import KNOWN_SECONDS, MAX_KNOWN, Patient
from delivery.smtp.session import Door
from tests.conversations.smtp.listening import open_doors
from tests.conversations.smtp.test_segmentation import Running
from tests.support.servers import running
from tests.support.transcript import Client, converse

LONG_SECONDS = 3_600.0  # nobody waits for it in these tests


@pytest.fixture(autouse=True)
def refused(settings: Settings) -> None:
    settings.SMTP_REFUSE_EARLY_TALKERS = True


def test_what_comes_before_the_greeting_is_ready_needs_no_wait() -> None:
    async def scenario() -> None:
        early = Running()
        await early.feed(b"EHLO a\r\n")
        assert bytes(early.transport.written) == b"554 5.5.1 You spoke before the greeting\r\n"
        assert early.task.done()
        honest = Running()
        await honest.feed(b"")
        assert honest.transport.written == b"220 mx.example.test ESMTP\r\n"
        await honest.feed(b"NOOP\r\n")
        assert honest.transport.written.endswith(b"250 2.0.0 Ok\r\n")
        await honest.end()

    asyncio.run(scenario())


def test_who_speaks_before_the_greeting_is_sent_away(settings: Settings) -> None:
    settings.SMTP_GREETING_DELAY_SECONDS = LONG_SECONDS

    async def scenario() -> None:
        early = Running()
        await early.feed(b"")
        assert early.transport.written == b""
        await early.feed(b"EHLO a\r\n")
        assert bytes(early.transport.written) == b"554 5.5.1 You spoke before the greeting\r\n"
        assert early.task.done()

    asyncio.run(scenario())


def test_who_waits_is_greeted_and_known(settings: Settings) -> None:
    settings.SMTP_GREETING_DELAY_SECONDS = 0.001

    async def scenario() -> None:
        patient = Running()
        while not patient.transport.written:
            await patient.feed(b"")
        await patient.feed(b"NOOP\r\n")
        assert patient.transport.written.endswith(b"250 2.0.0 Ok\r\n")
        host = patient.session.host
        assert host.patient.knows("192.0.2.7", now=asyncio.get_running_loop().time())
        await patient.end()

    asyncio.run(scenario())


@pytest.mark.parametrize("door", [Door.SUBMISSION, Door.LMTP])
def test_only_port_25_keeps_anybody_waiting(settings: Settings, door: Door) -> None:
    settings.SMTP_GREETING_DELAY_SECONDS = LONG_SECONDS

    async def scenario() -> None:
        client = Running(door)
        await client.feed(b"NOOP\r\n")
        assert client.transport.written.startswith(b"220 mx.example.test ")
        await client.end()

    asyncio.run(scenario())


def test_trusted_networks_are_not_kept_waiting(settings: Settings) -> None:
    settings.SMTP_GREETING_DELAY_SECONDS = LONG_SECONDS
    settings.TRUSTED_NETWORKS = (ipaddress.ip_network("192.0.2.0/24"),)

    async def scenario() -> None:
        client = Running()
        await client.feed(b"NOOP\r\n")
        assert client.transport.written.startswith(b"220 mx.example.test ESMTP\r\n")
        await client.end()

    asyncio.run(scenario())


def test_the_end_of_the_process_ends_the_wait(settings: Settings) -> None:
    settings.SMTP_GREETING_DELAY_SECONDS = LONG_SECONDS

    async def scenario() -> None:
        client = Running()
        await client.feed(b"")
        client.connection.shut_down()
        await client.task
        assert client.transport.written.endswith(b"421 4.3.2 The server is shutting down, try again soon\r\n")

    asyncio.run(scenario())


def test_against_a_listener(shared_db: None, tmp_path: Path, settings: Settings) -> None:
    settings.SMTP_GREETING_DELAY_SECONDS = LONG_SECONDS
    with running(open_doors(tmp_path)) as smtp:
        converse(smtp.ports.smtp, "C: EHLO early.test\nS: 554 5.5.1 You spoke before the greeting\nS!")
        settings.SMTP_GREETING_DELAY_SECONDS = 0.001
        with Client(smtp.ports.smtp) as client:
            assert (client.read_line() or b"").startswith(b"220 ")
        settings.SMTP_GREETING_DELAY_SECONDS = LONG_SECONDS
        converse(smtp.ports.smtp, "S: 220 …\nC: QUIT\nS: 221 …")  # known by now


def test_the_known_are_bounded_in_number_and_time() -> None:
    patient = Patient()
    for number in range(MAX_KNOWN + 10):
        patient.remember(str(number), now=0.0)
    assert not patient.knows("9", now=1.0)
    assert patient.knows("10", now=1.0)
    assert patient.knows(str(MAX_KNOWN + 9), now=KNOWN_SECONDS - 1)
    assert not patient.knows(str(MAX_KNOWN + 9), now=KNOWN_SECONDS)
