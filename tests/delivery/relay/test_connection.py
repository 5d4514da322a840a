"""Conversations with other hosts: a scripted SMTP server on the other side."""

import ssl
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from delivery.relay.connection import ConnectFailed, RelayConnection, Timeouts, open_connection
from delivery.relay.next_hops import NextHop
from delivery.relay.outcome import Bounced, Deferred, Delivered, Outcome
from delivery.relay.transaction import NothingBegun, Recipient, Transaction, send
from mailhost.net.tls import ensure_local_ca, server_context
from mailhost.protocols.smtp.client import encode_data
from tests.support.running import run
from tests.support.smtp_sink import CLOSE, DEFAULT_EXTENSIONS, END, GREETING, HANG, SmtpSink, smtp_sink

PATIENT = Timeouts(connect=10, greeting=10, command=10, data=10, block=10, final_dot=10, quit=0.2)
# Of the one stage at which a server says nothing more.
IMPATIENT = {
    GREETING: replace(PATIENT, greeting=0.2),
    "EHLO": replace(PATIENT, command=0.2),
    "MAIL": replace(PATIENT, command=0.2),
    "DATA": replace(PATIENT, data=0.2),
    "BDAT": replace(PATIENT, block=1),
    END: replace(PATIENT, final_dot=0.2),
}
STEP_BY_STEP = tuple(each for each in DEFAULT_EXTENSIONS if each != "PIPELINING")


async def reach(sink: SmtpSink, *, timeouts: Timeouts = PATIENT) -> RelayConnection:
    return await open_connection(
        NextHop("mx.far.test", sink.address, sink.port), own_name="mail.example.test", timeouts=timeouts
    )


def message(*forward_paths: str, text: bytes = b"Subject: x\r\n\r\nhello\r\n") -> Transaction:
    recipients = [Recipient(path) for path in forward_paths or ("bob@far.test",)]
    return Transaction("alice@example.test", recipients, encode_data(text), len(text))


def kinds(outcomes: Sequence[Outcome]) -> list[tuple[type[Outcome], str]]:
    return [(type(each), getattr(each, "status", "")) for each in outcomes]


@pytest.mark.parametrize("extensions", [DEFAULT_EXTENSIONS, STEP_BY_STEP, ()])
def test_messages_go_one_after_the_other_over_one_connection(extensions: tuple[str, ...]) -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.extensions = extensions
            connection = await reach(sink)
            for number in range(3):
                outcomes = await send(connection, message(f"r{number}@far.test", "bob@far.test"))
                assert kinds(outcomes) == [(Delivered, "")] * 2
            await connection.quit()
            received = await sink.wait_for(3)
            assert sink.connections == 1
            assert [each.forward_paths[0] for each in received] == [
                "r0@far.test",
                "r1@far.test",
                "r2@far.test",
            ]
            assert received[0].reverse_path == "alice@example.test"
            assert received[0].data == b"Subject: x\r\n\r\nhello\r\n"
            assert sink.commands[-1] == "QUIT"

    run(scenario())


def test_helo_is_said_to_a_server_that_knows_no_ehlo() -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.say("EHLO", "502 5.5.1 what?")
            connection = await reach(sink)
            assert kinds(await send(connection, message())) == [(Delivered, "")]
            assert sink.commands[:3] == [
                "EHLO mail.example.test",
                "HELO mail.example.test",
                "MAIL FROM:<alice@example.test>",
            ]

    run(scenario())


@pytest.mark.parametrize("extensions", [DEFAULT_EXTENSIONS, STEP_BY_STEP])
@pytest.mark.parametrize(
    ("command", "reply", "kind", "status"),
    [
        ("MAIL", "550 5.7.1 not you", Bounced, "5.7.1"),
        ("MAIL", "450 later", Deferred, "4.1.0"),
        ("RCPT", "550 no such user", Bounced, "5.1.0"),
        ("RCPT", "451 4.7.1 greylisted", Deferred, "4.7.1"),
        ("RCPT", "552 too many", Deferred, "4.5.3"),
        ("RCPT", "552 5.2.2 full", Bounced, "5.2.2"),
        ("DATA", "554 5.6.0 no", Bounced, "5.6.0"),
        ("DATA", "451 4.3.0 later", Deferred, "4.3.0"),
        ("DATA", "250 what?", Deferred, "4.5.0"),
        (END, "552 5.3.4 too big", Bounced, "5.3.4"),
        (END, "452 full", Deferred, "4.6.0"),
        ("DATA", HANG, Deferred, "4.4.2"),
        ("DATA", CLOSE, Deferred, "4.4.2"),
        (END, HANG, Deferred, "4.4.2"),
        (END, CLOSE, Deferred, "4.4.2"),
        (END, "no reply at all", Deferred, "4.4.2"),
        (END, "421 4.3.2 closing", Deferred, "4.3.2"),
    ],
)
def test_a_refusal_at_each_stage(
    extensions: tuple[str, ...], command: str, reply: str, kind: type[Outcome], status: str
) -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.extensions = extensions
            sink.say(command, reply)
            connection = await reach(sink)
            connection.timeouts = IMPATIENT[command] if reply == HANG else PATIENT
            assert kinds(await send(connection, message())) == [(kind, status)]
            assert sink.received == []
            if connection.is_usable:  # the next message goes over the same connection
                sink.script.clear()
                assert kinds(await send(connection, message())) == [(Delivered, "")]
                assert sink.connections == 1
            await connection.quit()

    run(scenario())


def test_each_recipient_has_an_outcome_of_its_own() -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.say("RCPT gone@", "550 5.1.1 no such user")
            sink.say("RCPT busy@", "450 4.2.1 busy")
            connection = await reach(sink)
            outcomes = await send(connection, message("gone@far.test", "bob@far.test", "busy@far.test"))
            assert kinds(outcomes) == [(Bounced, "5.1.1"), (Delivered, ""), (Deferred, "4.2.1")]
            assert sink.received[0].forward_paths == ["bob@far.test"]
            assert outcomes[1].peer.host == "mx.far.test"
            assert outcomes[0].reply == "550 5.1.1 no such user"

    run(scenario())


def test_a_server_that_waits_for_data_without_recipients_gets_none() -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.say("RCPT gone@", "550 5.1.1 no such user")
            sink.say("DATA", "354 well, go")
            connection = await reach(sink)
            assert kinds(await send(connection, message("gone@far.test"))) == [(Bounced, "5.1.1")]
            sink.script.clear()
            assert kinds(await send(connection, message())) == [(Delivered, "")]
            assert len(sink.received) == 1

    run(scenario())


@pytest.mark.parametrize("reply", ["421 4.3.2 too many messages", CLOSE, HANG])
def test_a_connection_that_goes_before_mail_is_answered_leaves_the_message_untouched(reply: str) -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.say("MAIL", reply)
            connection = await reach(sink)
            connection.timeouts = IMPATIENT["MAIL"] if reply == HANG else PATIENT
            with pytest.raises(NothingBegun):
                await send(connection, message())
            assert not connection.is_usable

    run(scenario())


def test_what_the_extensions_rule_out_is_not_sent() -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.extensions = ("SIZE 10",)
            connection = await reach(sink)
            assert kinds(await send(connection, message())) == [(Bounced, "5.3.4")]
            small = replace(message(text=b"x\r\n"), needs_smtputf8=True)
            assert kinds(await send(connection, small)) == [(Bounced, "5.6.9")]
            assert not any(command.startswith("MAIL") for command in sink.commands)

    run(scenario())


def test_an_original_recipient_that_is_too_long_to_be_said_is_left_out() -> None:
    """RFC 3461 section 5.4: a server has to take 500 octets of it; in ASCII one in UTF-8 may have more."""

    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.extensions = ("DSN",)
            connection = await reach(sink)
            long = Recipient("bob@far.test", orcpt="utf-8;" + "\\x{4E2D}" * 70)
            await send(connection, replace(message(), recipients=[long]))
            assert "RCPT TO:<bob@far.test>" in sink.commands

    run(scenario())


@pytest.mark.parametrize(("path", "status"), [("jörg@far.test", "5.6.7"), ("bob@far.test", "5.6.9")])
def test_what_is_beyond_ascii_is_told_apart(path: str, status: str) -> None:
    """RFC 6531 section 4: an address, or the header."""

    async def scenario() -> None:
        async with smtp_sink() as sink:
            connection = await reach(sink)
            outcomes = await send(connection, replace(message(path), needs_smtputf8=True))
            assert kinds(outcomes) == [(Bounced, status)]

    run(scenario())


def test_parameters_follow_the_extensions() -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.extensions = ("SIZE 0", "8BITMIME", "SMTPUTF8", "DSN")
            connection = await reach(sink)
            transaction = replace(
                message(),
                recipients=[Recipient("jörg@far.test", "FAILURE", "utf-8;j\\x{F6}rg@first.test")],
                needs_smtputf8=True,
                ret="HDRS",
            )
            outcomes = await send(connection, transaction)
            assert isinstance(outcomes[0], Delivered)
            assert outcomes[0].keeps_dsn
            assert sink.commands[1:3] == [
                "MAIL FROM:<alice@example.test> SIZE=21 BODY=8BITMIME SMTPUTF8 RET=HDRS",
                "RCPT TO:<jörg@far.test> NOTIFY=FAILURE ORCPT=utf-8;jörg@first.test",  # RFC 6533 section 3
            ]

    run(scenario())


@pytest.mark.parametrize(
    ("text", "arrives"),
    [
        (b".\r\n..\r\n.x\r\n", b".\r\n..\r\n.x\r\n"),
        (b"a\n.\nb\r.\r\nc", b"a\r\n.\r\nb\r\n.\r\nc\r\n"),
        (b"", b""),
        (b"\r\n.\r\nMAIL FROM:<evil@far.test>\r\n", b"\r\n.\r\nMAIL FROM:<evil@far.test>\r\n"),
        (b"x" * 300_000 + b"\r\n", b"x" * 300_000 + b"\r\n"),
    ],
)
def test_dots_are_made_transparent_and_bare_line_ends_never_go_out(text: bytes, arrives: bytes) -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            connection = await reach(sink)
            assert kinds(await send(connection, message(text=text))) == [(Delivered, "")]
            assert sink.received[0].data == arrives

    run(scenario())


@pytest.mark.parametrize(
    ("stage", "reply", "kind", "status"),
    [
        (GREETING, "554 no", Deferred, "4.3.2"),
        (GREETING, "421 4.7.0 busy", Deferred, "4.7.0"),
        (GREETING, "521 5.3.2 no mail here", Bounced, "5.3.2"),
        (GREETING, CLOSE, Deferred, "4.4.2"),
        (GREETING, HANG, Deferred, "4.4.2"),
        (GREETING, "HTTP/1.1 400 Bad Request", Deferred, "4.4.2"),
        ("EHLO", "421 closing", Deferred, "4.3.2"),
        ("EHLO", HANG, Deferred, "4.4.2"),
    ],
)
def test_a_host_that_takes_no_mail_now(stage: str, reply: str, kind: type[Outcome], status: str) -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.say(stage, reply)
            with pytest.raises(ConnectFailed) as failure:
                await reach(sink, timeouts=IMPATIENT[stage] if reply == HANG else PATIENT)
            assert kinds([failure.value.outcome]) == [(kind, status)]

    run(scenario())


def test_nobody_there() -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            port = sink.port
        with pytest.raises(ConnectFailed) as failure:
            await open_connection(NextHop("mx.far.test", "127.0.0.1", port), own_name="x", timeouts=PATIENT)
        assert kinds([failure.value.outcome]) == [(Deferred, "4.4.1")]

    run(scenario())


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    folder: Path = tmp_path_factory.mktemp("tls")
    made = ensure_local_ca(folder, hostnames=["localhost"], now=datetime.now(UTC))
    return server_context(made.cert, made.key)


def test_tls_is_used_where_offered_whatever_the_certificate(tls: ssl.SSLContext) -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.tls = tls
            connection = await reach(sink)
            outcomes = await send(connection, message())
            assert kinds(outcomes) == [(Delivered, "")]
            assert outcomes[0].peer.tls.startswith("TLSv1.3")
            assert sink.received[0].is_tls
            assert sink.commands[:3] == ["EHLO mail.example.test", "STARTTLS", "EHLO mail.example.test"]
            await connection.quit()

    run(scenario())


def test_a_failed_handshake_falls_back_to_a_new_connection_in_clear(tls: ssl.SSLContext) -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.tls, sink.breaks_tls = tls, True
            connection = await reach(sink)
            assert kinds(await send(connection, message())) == [(Delivered, "")]
            assert sink.connections == 2
            assert not sink.received[0].is_tls

    run(scenario())


def test_a_refused_starttls_goes_on_in_clear(tls: ssl.SSLContext) -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.tls = tls
            sink.say("STARTTLS", "454 4.7.0 not now")
            connection = await reach(sink)
            assert kinds(await send(connection, message())) == [(Delivered, "")]
            assert sink.connections == 1

    run(scenario())


def test_answers_put_in_front_of_tls_spoil_the_connection(tls: ssl.SSLContext) -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.tls = tls
            sink.say("STARTTLS", "220 go\r\n250 injected")
            connection = await reach(sink)
            assert connection.peer.tls == ""
            assert sink.connections == 2

    run(scenario())
