"""Policies over HTTPS from a web server in this process (RFC 8461 section 3.3)."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from delivery.relay.tls.fetching import PolicyFetcher
from delivery.relay.tls.mta_sts import FetchFailed
from mailhost.protocols.mta_sts import Mode, StsPolicy
from tests.support.authorities import Authority, self_signed
from tests.support.dns_server import DnsServer, dns_server
from tests.support.running import run

NOW = datetime.now(UTC)  # OpenSSL looks at the real clock
CA = Authority(NOW)
RIGHT = CA.issue("mta-sts.far.test")
POLICY = b"version: STSv1\r\nmode: enforce\r\nmx: *.far.test\r\nmax_age: 86400\r\n"


def answer(
    content: bytes = POLICY, *, status: str = "200 OK", kind: str = "text/plain", more: str = ""
) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n{more}\r\n"
    return head.encode() + content


@dataclass
class WebServer:
    """What it answers (b"": nothing, for ever), and what it was asked."""

    dns: DnsServer
    says: bytes = answer()
    requests: list[bytes] = field(default_factory=list)
    port: int = 0

    def fetcher(self, *, to_private: bool = True, seconds: float = 20.0) -> PolicyFetcher:
        trust = CA.certificate.public_bytes(Encoding.PEM).decode()
        return PolicyFetcher(
            self.dns.resolver(look_up_seconds=10.0),
            to_private=to_private,
            context=lambda: ssl.create_default_context(cadata=trust),
            port=self.port,
            seconds=seconds,
        )

    async def failure(self, *, to_private: bool = True, seconds: float = 20.0) -> FetchFailed:
        with pytest.raises(FetchFailed) as failed:
            await self.fetcher(to_private=to_private, seconds=seconds).fetch("far.test")
        assert str(failed.value).endswith(".")
        return failed.value


@asynccontextmanager
async def web_server(context: ssl.SSLContext | None = None) -> AsyncIterator[WebServer]:
    async with dns_server() as dns:
        server = WebServer(dns)
        dns.say("mta-sts.far.test", "A", "127.0.0.1")

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                server.requests.append(await reader.readuntil(b"\r\n\r\n"))
                if not server.says:
                    await reader.read()  # until the other side has had enough
                writer.write(server.says)
                await writer.drain()
            except (OSError, asyncio.IncompleteReadError):
                pass
            writer.close()

        listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context or RIGHT.context())
        server.port = listening.sockets[0].getsockname()[1]
        try:
            yield server
        finally:
            listening.close()


def test_a_policy_is_fetched() -> None:
    async def scenario() -> None:
        async with web_server() as server:
            policy = await server.fetcher().fetch("far.test")
            assert policy == StsPolicy(Mode.ENFORCE, 86_400, ("*.far.test",))
            assert server.requests[0].startswith(b"GET /.well-known/mta-sts.txt HTTP/1.1\r\n")
            assert b"host: mta-sts.far.test\r\n" in server.requests[0].lower()

    run(scenario())


def test_a_media_type_may_have_parameters() -> None:
    async def scenario() -> None:
        async with web_server() as server:
            server.says = answer(kind="Text/Plain; charset=utf-8")
            assert (await server.fetcher().fetch("far.test")).mode is Mode.ENFORCE

    run(scenario())


@pytest.mark.parametrize(
    ("says", "result", "words"),
    [
        (answer(status="404 Not Found"), "sts-policy-fetch-error", "answered 404"),
        (
            answer(status="301 Moved Permanently", more="Location: https://mta-sts.far.test/other\r\n"),
            "sts-policy-fetch-error",
            "answered 301",
        ),
        (answer(kind="text/html"), "sts-policy-invalid", "no text"),
        (answer(b"<html>"), "sts-policy-invalid", "is invalid"),
        (answer(b"x" * 70_000), "sts-policy-fetch-error", "no answer that can be read"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"x" * 200_000,
            "sts-policy-fetch-error",
            "",
        ),
        (b"SSH-2.0-OpenSSH\r\n", "sts-policy-fetch-error", "no answer that can be read"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000, "sts-policy-fetch-error", ""),
        (answer()[:-10], "sts-policy-fetch-error", ""),
    ],
    ids=["404", "moved", "html", "invalid", "long", "endless", "ssh", "long head", "cut"],
)
def test_what_is_no_policy(says: bytes, result: str, words: str) -> None:
    async def scenario() -> None:
        async with web_server() as server:
            server.says = says
            failure = await server.failure()
            assert failure.result == result
            assert words in str(failure)
            assert len(server.requests) == 1

    run(scenario())


@pytest.mark.parametrize(
    "shown",
    [
        CA.issue("far.test"),
        CA.issue("mta-sts.far.test", begins=NOW - timedelta(days=9), ends=NOW - timedelta(days=1)),
        self_signed("mta-sts.far.test", now=NOW),
    ],
    ids=["name", "expired", "self-signed"],
)
def test_a_web_server_that_cannot_be_trusted_has_no_policy(shown: object) -> None:
    async def scenario() -> None:
        async with web_server(shown.context()) as server:  # type: ignore[attr-defined]
            failure = await server.failure()
            assert failure.result == "sts-webpki-invalid"
            assert "cannot be trusted" in str(failure)
            assert server.requests == []

    run(scenario())


def test_a_web_server_that_says_nothing_is_not_waited_for() -> None:
    async def scenario() -> None:
        async with web_server() as server:
            server.says = b""
            failure = await server.failure(seconds=0.2)
            assert (failure.result, str(failure)) == (
                "sts-policy-fetch-error",
                "mta-sts.far.test did not send its policy in time.",
            )

    run(scenario())


def test_no_private_address_is_asked_unless_mail_may_go_there() -> None:
    async def scenario() -> None:
        async with web_server() as server:
            failure = await server.failure(to_private=False)
            assert str(failure) == "mta-sts.far.test has only private addresses."
            assert server.requests == []

    run(scenario())


def test_a_web_server_that_does_not_exist() -> None:
    async def scenario() -> None:
        async with web_server() as server:
            server.dns.records.clear()
            assert (await server.failure()).result == "sts-policy-fetch-error"
        async with web_server() as server:
            port = server.port
        async with web_server() as server:
            server.port = port
            assert "cannot be reached" in str(await server.failure())

    run(scenario())
