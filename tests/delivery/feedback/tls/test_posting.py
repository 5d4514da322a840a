"""Reports POSTed to https places, whatever these do (RFC 8460 section 5.4)."""

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from delivery.feedback.tls.posting import MAX_ANSWER_OCTETS, Posted, ReportPoster
from mailhost.protocols.tls_report_record import https_place
from tests.support.authorities import Authority, Issued, self_signed
from tests.support.dns_server import DnsServer, dns_server
from tests.support.report_place import ReportPlace, answer, report_place

NOW = datetime.now(UTC)  # OpenSSL looks at the clock of the machine
CA = Authority(NOW)
NAME = "reports.far.test"


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=CA.certificate.public_bytes(Encoding.PEM).decode())
    return context


def post(
    *,
    issued: Issued | None = None,
    say: Callable[[DnsServer], None] = lambda dns: dns.say(NAME, "A", "127.0.0.1"),
    answers: list[bytes | None] | None = None,
    to_private: bool = True,
    seconds: float = 20,
) -> tuple[Posted, ReportPlace]:
    """One report to a place at NAME, and what it got."""

    async def scenario() -> tuple[Posted, ReportPlace]:
        context = (issued or CA.issue(NAME)).context()
        async with dns_server() as dns, report_place(context) as there:
            say(dns)
            there.answers = answers or there.answers
            poster = ReportPoster(dns.resolver(), to_private=to_private, context=trusting, seconds=seconds)
            place = https_place(f"https://{NAME}:{there.port}/v1/tls?of=far")
            assert place is not None
            posted = await poster.send(place, b"\x1f\x8breport")
            return Posted(
                posted.is_taken, posted.note.replace(str(there.port), "PORT"), posted.is_open
            ), there

    return asyncio.run(scenario())


URI = f"https://{NAME}:PORT/v1/tls?of=far"


def test_a_report_is_posted_as_its_media_type() -> None:
    posted, there = post()
    assert posted == Posted(is_taken=True)
    [(target, fields, body)] = there.posted
    assert (target, body) == ("/v1/tls?of=far", b"\x1f\x8breport")
    assert fields["content-type"] == "application/tlsrpt+gzip"
    assert fields["host"] == f"{NAME}:{there.port}"
    assert there.hello == [NAME]


@pytest.mark.parametrize(
    ("issued", "reason"),
    [
        (self_signed(NAME, now=NOW), "self-signed certificate"),
        (CA.issue("other.test"), f"Hostname mismatch, certificate is not valid for '{NAME}'."),
        (CA.issue(NAME, ends=NOW - timedelta(hours=1)), "certificate has expired"),
    ],
)
def test_a_certificate_that_is_not_valid_is_told_and_keeps_no_report_away(
    issued: Issued, reason: str
) -> None:
    posted, there = post(issued=issued)
    assert posted.is_taken
    assert posted.note == f"The certificate of {NAME} is not valid: {reason.rstrip('.')}."
    assert there.bodies() == [b"\x1f\x8breport"]


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (answer(200, body=b"thanks"), Posted(is_taken=True)),
        (answer(302, "Location: https://127.0.0.1/other"), Posted(note=f"{URI} answered 302.")),
        (answer(404), Posted(note=f"{URI} answered 404.")),
        (answer(429), Posted(note=f"{URI} answered 429.", is_open=True)),
        (answer(503), Posted(note=f"{URI} answered 503.", is_open=True)),
        (b"220 far.test ESMTP\r\n", Posted(note=f"{URI} gave no answer that can be read.", is_open=True)),
        (b"", Posted(note=f"{URI} gave no answer that can be read.", is_open=True)),
        (
            answer(200, body=b"x" * (MAX_ANSWER_OCTETS + 1)),
            Posted(note=f"{URI} gave no answer that can be read.", is_open=True),
        ),
        (
            b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 100_000,
            Posted(note=f"{URI} gave no answer that can be read.", is_open=True),
        ),
    ],
)
def test_what_the_place_says_decides(said: bytes, outcome: Posted) -> None:
    posted, there = post(answers=[said])
    assert posted == outcome
    assert len(there.posted) == 1  # also where it leads elsewhere


def test_a_place_that_is_silent_takes_no_more_than_its_time() -> None:
    posted, _ = post(answers=[None], seconds=0.5)
    assert posted == Posted(note=f"{URI} did not answer in time.", is_open=True)


def test_no_machine_behind_the_firewall_is_spoken_to() -> None:
    posted, there = post(to_private=False)
    assert posted == Posted(note=f"{URI} has only private addresses.")
    assert there.posted == []


def test_a_second_address_is_tried() -> None:
    def two(dns: DnsServer) -> None:
        dns.say(NAME, "AAAA", "::1")  # nobody listens there
        dns.say(NAME, "A", "127.0.0.1")

    assert post(say=two)[0] == Posted(is_taken=True)


def test_a_name_that_dns_does_not_have_or_does_not_tell() -> None:
    assert post(say=lambda dns: None)[0] == Posted(note=f"{URI}: There is no domain {NAME}.")
    silent = post(say=lambda dns: dns.broken.add(NAME))[0]
    assert silent.is_open
    assert silent.note.startswith(f"{URI}: DNS could not be asked for {NAME}")
