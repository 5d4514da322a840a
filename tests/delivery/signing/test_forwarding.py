"""What a stranger sends and an alias leads elsewhere: sealed, with a way back, and no way for anybody else."""

import asyncio
import re
from datetime import timedelta

import dkim as dkimpy
import pytest
from django.utils import timezone
from pytest_django import Settings

from delivery.models import Attempt, QueuedMessage
from domains.registration import find_domain
from mailboxes.models import Message
from mailhost.net.store_threads import in_store
from mailhost.protocols import arc
from tests.conversations.smtp.listening import Doors
from tests.conversations.smtp.test_filters import filtered as filtered
from tests.conversations.smtp.test_inbound import alias
from tests.delivery.signing.test_dkim_signing import records, with_keys
from tests.delivery.test_worker import bench
from tests.delivery.test_worker import queue_leads_out as queue_leads_out
from tests.support.dns_zone import DnsZone
from tests.support.hosting import new_account, new_domain
from tests.support.running import run
from tests.support.smtp_sink import Received
from tests.support.transcript import converse

GREETED = "S: 220 …\nC: EHLO client.test\nS~ 250 HELP\n"


@pytest.fixture
def away(settings: Settings) -> str:
    """An alias of a domain with keys that leads to bob@far.test."""
    settings.HOSTNAME = "mx.example.test"  # as the doors call themselves
    domain = new_domain()
    with_keys(domain)
    alias(f"away@{domain}", "bob@far.test")
    return f"away@{domain}"


def mail(doors: Doors, *recipients: str, sender: str = "ann@good.test", extra: str = "") -> None:
    author = sender or "MAILER-DAEMON@client.test"
    converse(
        doors.ports.smtp,
        f"{GREETED}C: MAIL FROM:<{sender}>\nS: 250 …\n"
        + "".join(f"C: RCPT TO:<{each}>\nS: 250 …\n" for each in recipients)
        + f"C: DATA\nS: 354 …\nC: From: {author}\nC: Subject: hello\n{extra}C: \nC: text\nC: .\nS: 250 2.0.0 …\n",
    )


def refused(doors: Doors, recipient: str, reply: str, *, sender: str = "") -> None:
    converse(
        doors.ports.smtp,
        f"{GREETED}C: MAIL FROM:<{sender}>\nS: 250 …\nC: RCPT TO:<{recipient}>\nS: {reply} …\n",
    )


def leaves(settings: Settings, *domains: str, refusal: str = "") -> list[Received]:
    """What the hosts of these domains get, now."""
    received: list[Received] = []

    async def scenario() -> None:
        async with bench(settings) as b, b.server(*domains) as sink:
            b.now = timezone.now() + timedelta(seconds=1)
            if refusal:
                sink.say("RCPT bob@", refusal)
            await b.work()
            received.extend(sink.received)

    run(scenario())
    return received


def zone() -> DnsZone:
    found = DnsZone()
    for name, record in records().items():
        found.say(name, "TXT", record.encode())
    return found


def test_it_is_sealed_and_both_verifiers_believe_it(settings: Settings, filtered: Doors, away: str) -> None:
    mail(filtered, away)
    [received] = leaves(settings, "far.test")
    found = asyncio.run(arc.verify(received.data, txt=zone().txt, now=timezone.now()))
    assert (found.status, len(found.sealers)) == (arc.ChainStatus.PASS, 1)
    assert found.sealers[0].domain == away.partition("@")[2]
    assert b"spf=pass" in found.sealers[0].authentication_results
    published = records()

    def dnsfunc(name: bytes, timeout: int = 5) -> bytes:
        return published.get(name.decode().rstrip("."), "").encode()

    assert dkimpy.ARC(received.data).verify(dnsfunc=dnsfunc)[0] == b"pass"
    assert b"DKIM-Signature" not in received.data  # it is no mail of ours
    key = find_domain(name=away.partition("@")[2]).dkim_keys.get(algorithm="rsa")
    assert Attempt.objects.get(outcome="delivered").signing == f"ARC by {key}."


def test_a_chain_that_came_in_broken_is_not_sealed(settings: Settings, filtered: Doors, away: str) -> None:
    mail(filtered, away, extra="C: ARC-Seal: i=1; a=rsa-sha256; cv=none; d=x.test; s=s; b=AAAA\n")
    [received] = leaves(settings, "far.test")
    assert received.data.count(b"ARC-Seal:") == 1
    assert Attempt.objects.get(outcome="delivered").signing == "Not sealed: its chain came in as fail."


def test_bounces_of_others_find_the_sender(settings: Settings, filtered: Doors, away: str) -> None:
    mail(filtered, away)
    [received] = leaves(settings, "far.test")
    domain = away.partition("@")[2]
    assert re.fullmatch(rf"SRS0=[A-Z2-7]{{8}}=[A-Z2-7]{{2}}=good\.test=ann@{domain}", received.reverse_path)
    assert QueuedMessage.objects.get().reverse_path == "ann@good.test"
    mail(filtered, received.reverse_path, sender="")
    [bounce] = leaves(settings, "good.test")
    assert (bounce.reverse_path, bounce.forward_paths) == ("", ["ann@good.test"])


def test_a_bounce_leads_to_an_account_here_too(settings: Settings, filtered: Doors, away: str) -> None:
    alice = new_account("alice", domain=away.partition("@")[2])
    mail(filtered, away, sender=alice.login)
    [received] = leaves(settings, "far.test")
    mail(filtered, received.reverse_path, sender="")
    assert Message.objects.filter(mailbox__account=alice).count() == 1


def test_a_notice_of_ours_goes_to_the_sender(settings: Settings, filtered: Doors, away: str) -> None:
    mail(filtered, away)
    [notice] = leaves(settings, "far.test", "good.test", refusal="550 5.1.1 no such user")
    assert (notice.reverse_path, notice.forward_paths) == ("", ["ann@good.test"])


def test_no_other_address_is_led_anywhere(settings: Settings, filtered: Doors, away: str) -> None:
    mail(filtered, away)
    [received] = leaves(settings, "far.test")
    made, domain = received.reverse_path.rsplit("@", 1)
    alias(f"*@{domain}", "catch@far.test")  # not even into the catch-all
    for forged in (
        made.replace("ann", "eve"),
        made.replace("good", "evil"),
        "SRS0=AAAAAAAA=AA=x.test=y",
        "SRS1=x==y",
    ):
        refused(filtered, f"{forged}@{domain}", "550 5.1.1")
    refused(filtered, f"{made}@{new_domain()}", "550 5.1.1")
    refused(filtered, f"{made}@elsewhere.test", "550 5.7.1")
    settings.SRS_DAYS = -1  # every one has expired
    refused(filtered, received.reverse_path, "550 5.1.1")


def test_the_null_reverse_path_stays_null(settings: Settings, filtered: Doors, away: str) -> None:
    mail(filtered, away, sender="")
    [received] = leaves(settings, "far.test")
    assert received.reverse_path == ""


def test_a_message_of_ours_keeps_its_own(settings: Settings, away: str) -> None:
    from delivery.acceptance import Acceptance, accept_now
    from mailhost.protocols.addresses import EmailAddress

    async def scenario() -> None:
        octets = f"From: <{away}>\r\n\r\ntext\r\n".encode()
        acceptance = Acceptance(octets=octets, relay=(EmailAddress.parse("bob@far.test"),), reverse_path=away)
        await in_store(accept_now, acceptance)

    run(scenario())
    [received] = leaves(settings, "far.test")
    assert received.reverse_path == away
    assert b"ARC-Seal" not in received.data
    assert received.data.startswith(b"DKIM-Signature: ")
