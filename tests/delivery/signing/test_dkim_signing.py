"""Mail of ours on its way out, as another host gets it: verified by dkimpy and by this host's own verifier."""

import asyncio
import email
from collections.abc import Callable
from datetime import timedelta

import dkim as dkimpy
import pytest
from django.db import connection
from pytest_django import Settings

from delivery import signing
from delivery.acceptance import Acceptance, accept_now
from delivery.models import Attempt
from domains.dkim_keys import activate_key, make_keys, retire_key
from domains.models import DkimKey, Domain
from domains.registration import find_domain
from mailhost.net.store_threads import in_store
from mailhost.protocols import dkim
from mailhost.protocols.addresses import EmailAddress
from tests.delivery.test_worker import bench
from tests.delivery.test_worker import queue_leads_out as queue_leads_out
from tests.support.dns_zone import DnsZone
from tests.support.hosting import new_domain
from tests.support.queueing import NOON
from tests.support.running import run
from tests.support.smtp_sink import DEFAULT_EXTENSIONS

BINARY = (*DEFAULT_EXTENSIONS, "CHUNKING", "BINARYMIME")
Send = Callable[..., bytes]


def with_keys(domain_name: str) -> Domain:
    domain = find_domain(name=domain_name)
    for key in make_keys(domain=domain, now=NOON, by="test"):
        activate_key(key=key, now=NOON, by="test")
    return domain


def message(domain: str, body: bytes = b"How are you?\r\n..dots\r\n", *, sender: str = "alice") -> bytes:
    author = f"{sender}@{domain}".encode()
    return b"From: <%b>\r\nTo: bob@far.test\r\nSubject: Hello\r\nMIME-Version: 1.0\r\n\r\n%b" % (author, body)


def records() -> dict[str, str]:
    return {str(key): key.record for key in DkimKey.objects.select_related("domain")}


def verify(octets: bytes) -> list[tuple[str, str, str]]:
    """(algorithm, domain, result) by our own verifier; dkimpy has to say the same of each signature that it knows."""
    published = records()
    zone = DnsZone()
    for name, record in published.items():
        zone.say(name, "TXT", record.encode())
    found = asyncio.run(dkim.verify(octets, txt=zone.txt, now=NOON + timedelta(minutes=1)))

    def dnsfunc(name: bytes, timeout: int = 5) -> bytes:
        return published.get(name.decode().rstrip("."), "").encode()

    checked = dkimpy.DKIM(octets)
    for number, each in enumerate(found):
        try:
            holds = checked.verify(idx=number, dnsfunc=dnsfunc)
        except dkimpy.ValidationError:
            holds = False
        assert holds is (each.result == dkim.Result.PASS)
    return [(each.algorithm, each.domain, str(each.result)) for each in found]


def sent(
    settings: Settings,
    octets: bytes,
    *forward_paths: str,
    body: str = "8BITMIME",
    extensions: tuple[str, ...] = (),
) -> list[bytes]:
    """What the hosts of far.test and near.test received."""
    received: list[bytes] = []
    paths = forward_paths or ("bob@far.test",)

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test", "near.test") as sink:
            if extensions:
                sink.extensions = extensions
            relay = tuple(EmailAddress.parse(path) for path in paths)
            acceptance = Acceptance(octets=octets, relay=relay, reverse_path="alice@x.test", body=body)  # type: ignore[arg-type]
            await in_store(accept_now, acceptance, now=NOON)
            await b.work()
            received.extend(each.data for each in await sink.wait_for(len({p.split("@")[1] for p in paths})))

    run(scenario())
    return received


def note() -> str:
    return Attempt.objects.latest("at", "pk").signing


def test_both_keys_sign_and_both_verifiers_agree(settings: Settings) -> None:
    domain = with_keys(new_domain())
    [octets] = sent(settings, message(domain.name))
    assert verify(octets) == [("rsa-sha256", domain.name, "pass"), ("ed25519-sha256", domain.name, "pass")]
    assert octets.endswith(message(domain.name))  # in front, and nothing else is changed
    assert note() == " ".join(f"DKIM by {key}." for key in domain.dkim_keys.order_by("pk"))


def test_what_waited_unsigned_is_signed_once_there_is_a_key(settings: Settings) -> None:
    name = new_domain()

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.say("RCPT bob@", "451 4.7.1 greylisted", "250 ok")
            acceptance = Acceptance(
                octets=message(name), relay=(EmailAddress.parse("bob@far.test"),), reverse_path="alice@x.test"
            )
            await in_store(accept_now, acceptance, now=NOON)
            await b.work()
            assert (await in_store(note)).startswith("Not signed")
            await in_store(with_keys, name)
            await b.work(minutes=30)
            [received] = await sink.wait_for(1)
            assert received.data.startswith(b"DKIM-Signature:")

    run(scenario())


def test_no_field_can_be_added_and_no_octet_changed(settings: Settings) -> None:
    domain = with_keys(new_domain())
    [octets] = sent(settings, message(domain.name))
    for name in (
        b"From: eve@x.test",
        b"Subject: Buy",
        b"To: eve@x.test",
        b"Reply-To: eve@x.test",
        b"Cc: e@x.test",
    ):
        assert {result for _, _, result in verify(name + b"\r\n" + octets)} == {"fail"}
    assert {result for _, _, result in verify(octets.replace(b"How", b"Who"))} == {"fail"}


@pytest.mark.parametrize(
    "body", [b"bare\nline\rends\n", b"no end", b"", b".\r\n", b"text \t\r\n\r\n\r\n", "Grüße\r\n".encode()]
)
def test_what_is_signed_is_what_leaves(settings: Settings, body: bytes) -> None:
    domain = with_keys(new_domain())
    [octets] = sent(settings, message(domain.name, body))
    assert [result for _, _, result in verify(octets)] == ["pass", "pass"]


@pytest.mark.parametrize("extensions", [BINARY, DEFAULT_EXTENSIONS])
def test_binary_is_signed_as_it_leaves_converted_or_not(
    settings: Settings, extensions: tuple[str, ...]
) -> None:
    domain = with_keys(new_domain())
    head = b"From: a@%b\r\nMIME-Version: 1.0\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    octets = head % domain.name.encode() + bytes(range(256)) * 5
    [received] = sent(settings, octets, body="BINARYMIME", extensions=extensions)
    assert received.endswith(octets) is (extensions == BINARY)
    zone = DnsZone()
    for name, record in records().items():
        zone.say(name, "TXT", record.encode())
    found = asyncio.run(dkim.verify(received, txt=zone.txt, now=NOON))
    assert [str(each.result) for each in found] == ["pass", "pass"]


OLD = tuple(each for each in DEFAULT_EXTENSIONS if each != "8BITMIME")


@pytest.mark.parametrize(
    ("extensions", "length"),
    [(DEFAULT_EXTENSIONS, 1), (OLD, 1), (BINARY, 200_000), ((*OLD, "CHUNKING"), 200_000)],
)
def test_what_is_converted_to_7_bit_or_chunked_is_signed_as_it_leaves(
    settings: Settings, extensions: tuple[str, ...], length: int
) -> None:
    domain = with_keys(new_domain())
    body = ("..Grüße\r\n" * length).encode()
    [received] = sent(settings, message(domain.name, body), extensions=extensions)
    assert received.isascii() is ("8BITMIME" not in extensions)
    assert email.message_from_bytes(received).get_payload(decode=True) == body
    assert [result for _, _, result in verify(received)] == ["pass", "pass"]


def test_a_message_to_many_destinations_is_signed_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = with_keys(new_domain())
    made: list[str] = []
    real = dkim.sign_read

    def counted(*args: object, **kwargs: object) -> bytes:
        made.append(str(kwargs["selector"]))
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(signing, "sign_read", counted)
    monkeypatch.setattr("delivery.worker.STORE_THREADS", 1)
    monkeypatch.setattr("delivery.worker.MAX_LOOKS", 1)
    first, second = sent(settings, message(domain.name), "bob@far.test", "bob@near.test")
    assert first == second
    assert len(made) == 2


def test_a_domain_without_an_active_key_sends_unsigned_and_that_is_known(settings: Settings) -> None:
    name = new_domain()
    make_keys(domain=find_domain(name=name), now=NOON, by="test")  # pending
    assert sent(settings, message(name)) == [message(name)]
    assert note() == f"Not signed: {name} has no active DKIM key."


def test_a_retired_key_signs_no_more(settings: Settings) -> None:
    domain = with_keys(new_domain())
    retire_key(key=domain.dkim_keys.get(algorithm="rsa"), now=NOON, by="test")
    [octets] = sent(settings, message(domain.name))
    assert verify(octets) == [("ed25519-sha256", domain.name, "pass")]


def test_notices_of_the_host_are_signed_by_the_domain_above_it(settings: Settings) -> None:
    domain = with_keys(new_domain())
    [octets] = sent(settings, message(f"mail.{domain.name}", sender="MAILER-DAEMON"))
    assert verify(octets) == [("rsa-sha256", domain.name, "pass"), ("ed25519-sha256", domain.name, "pass")]


def test_nobody_signs_for_other_organizations(settings: Settings) -> None:
    with_keys(new_domain())
    assert sent(settings, message("elsewhere.test")) == [message("elsewhere.test")]
    assert note() == "Not signed: elsewhere.test is not hosted here."


def test_keys_that_cannot_be_read_leave_mail_unsigned_and_say_why(settings: Settings) -> None:
    domain = with_keys(new_domain())
    with connection.cursor() as sql:
        sql.execute(
            "UPDATE domains_dkimkey SET private_key = %s WHERE domain_id = %s", [b"\x01junk", domain.pk]
        )
    assert sent(settings, message(domain.name)) == [message(domain.name)]
    assert "MAILHOST_KEY_SECRET" in note()
