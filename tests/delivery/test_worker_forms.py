"""Messages in the form that a server takes: converted where they must be, or come back."""

import email

import pytest
from pytest_django import Settings

from delivery.acceptance import Acceptance, accept_now
from delivery.models import QueuedRecipient
from mailhost.net.store_threads import in_store
from mailhost.protocols.addresses import EmailAddress
from tests.delivery.test_worker import bench, queue_leads_out
from tests.support.queueing import NOON, queue, state
from tests.support.running import run
from tests.support.smtp_sink import DEFAULT_EXTENSIONS

__all__ = ["queue_leads_out"]


def queue_binary(octets: bytes) -> None:
    acceptance = Acceptance(
        octets=b"Return-Path: <x@y.test>\r\n" + octets,
        relay=(EmailAddress("bob", "far.test"),),
        reverse_path="alice@elsewhere.test",
        body="BINARYMIME",
    )
    accept_now(acceptance, now=NOON)


@pytest.mark.parametrize("takes_binary", [True, False])
def test_a_binary_message_is_converted_only_where_it_must_be(settings: Settings, takes_binary: bool) -> None:
    """RFC 3030 section 3."""
    head = b"From: a@b.test\r\nMIME-Version: 1.0\r\n"
    octets = head + b"Content-Transfer-Encoding: binary\r\n\r\n" + bytes(range(256))

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            if takes_binary:
                sink.extensions = (*DEFAULT_EXTENSIONS, "CHUNKING", "BINARYMIME")
            await in_store(queue_binary, octets)
            await b.work()
            [received] = await sink.wait_for(1)
            commands = " ".join(received.commands)
            if takes_binary:
                assert received.data == octets
                assert "BODY=BINARYMIME" in commands
            else:
                assert email.message_from_bytes(received.data).get_payload(decode=True) == bytes(range(256))
                assert received.data.startswith(head + b"Content-Transfer-Encoding: base64\r\n\r\n")
                assert "BODY=7BIT" in commands
            assert await in_store(state, "bob@far.test") == "delivered"

    run(scenario())


def test_binary_octets_that_cannot_be_converted_come_back(settings: Settings) -> None:
    octets = b"Content-Type: multipart/mixed\r\nContent-Transfer-Encoding: binary\r\n\r\na\nb\0"

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            await in_store(queue_binary, octets)
            await b.work()
            assert sink.received == []
            assert await in_store(state, "bob@far.test") == "bounced"

    run(scenario())


def test_8_bit_octets_in_what_is_signed_come_back_from_a_server_without_8bitmime(settings: Settings) -> None:
    """RFC 6152 section 3."""
    signed = (
        b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n\xc3\xbc\r\n--b\r\n\r\nx\r\n--b--\r\n"
    )

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.extensions = ("PIPELINING",)
            await in_store(queue, "bob@far.test", octets=signed)
            await b.work()
            assert sink.received == []
            recipient = await in_store(QueuedRecipient.objects.get, forward_path="bob@far.test")
            assert (recipient.state, recipient.last_status) == ("bounced", "5.6.3")
            assert "signed or encrypted" in recipient.last_reply

    run(scenario())
