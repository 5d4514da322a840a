"""Port 25 with its guard: who is turned away, slowed down, or asked to come again, each with the clause of its RFC."""

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from delivery.feedback.observing import Observation
from delivery.filters.recording import read_verdict
from delivery.guard.dns_lists import parse_dns_lists
from delivery.guard.guarding import Guard
from delivery.smtp.server import Ports
from delivery.smtp.server import doors as smtp_doors
from mailboxes.models import Account, Message
from mailhost.bans.banning import active_bans
from mailhost.bans.following import BannedNetworks
from mailhost.environment import parse_networks
from tests.conversations.smtp.listening import Doors, open_doors
from tests.conversations.smtp.test_submission import plain
from tests.support.dns_server import DnsServer, dns_server
from tests.support.hosting import new_account
from tests.support.servers import running
from tests.support.transcript import converse

HELLO = "S: 220 …\nC: EHLO client.test\nS~ 250 HELP\n"
LETTER = "C: From: ann@good.test\nC: To: somebody\nC: Date: Mon, 23 Nov 2026 10:00:00 +0000\nC: Message-ID: <1@good.test>\nC: \nC: Hello.\nC: .\n"


@dataclass
class Guarded:
    """The doors, what DNS says, how long the tarpit has waited, and a clock that tests move."""

    doors: Doors
    dns: DnsServer
    bans: BannedNetworks
    waited: list[float] = field(default_factory=list)
    later: timedelta = timedelta()
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def port(self) -> int:
        return self.doors.ports.smtp

    def client(self, *, is_named: bool = True) -> str:
        """An address in a /24 of its own, that nobody has come from yet."""
        number = next(self.numbers)
        address = f"127.{number // 250 + 20}.{number % 250}.9"
        if is_named:
            self.dns.say(f"{reverse(address)}.in-addr.arpa", "PTR", f"c{number}.test.")
            self.dns.say(f"c{number}.test", "A", address)
        return address


def reverse(address: str) -> str:
    return ".".join(reversed(address.split(".")))


@asynccontextmanager
async def guarded(folder: Path) -> AsyncIterator[Guarded]:
    async with dns_server() as dns, open_doors(folder, resolver=dns.resolver()) as doors:
        opened = Guarded(doors, dns, BannedNetworks())

        async def sleep(seconds: float) -> None:
            opened.waited.append(seconds)

        words = ["bad.test=2", "worse.test=refuse"]
        lists = [*parse_dns_lists(words), *parse_dns_lists(["good-ones.test"], is_allow_list=True)]
        doors.host.guard = Guard(opened.bans, doors.host.resolver, lists, sleep)
        doors.host.clock = lambda: datetime.now(UTC) + opened.later
        async with smtp_doors(doors.host, bind_to="127.0.0.1", ports=Ports(0, 0, 0)) as ports:
            opened.doors = Doors(doors.host, ports)  # those that know of the guard
            yield opened
        await doors.host.guard.close()


@pytest.fixture(scope="module")
def guard(shared_db: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with running(guarded(tmp_path_factory.mktemp("tls"))) as opened:
        opened.dns.say("good.test", "TXT", '"v=spf1 ip4:127.0.0.0/8 -all"')
        yield opened


@pytest.fixture
def alice(guard: Guarded) -> Account:
    guard.waited.clear()
    guard.later = timedelta()
    guard.bans.replace([])
    return new_account("alice")


def send(
    guard: Guarded,
    client: str,
    account: Account,
    reply: str,
    *,
    sender: str = "ann@good.test",
    letter: str = LETTER,
) -> None:
    converse(
        guard.port,
        f"{HELLO}C: MAIL FROM:<{sender}>\nS: 250 …\nC: RCPT TO:<{account.login}>\nS: 250 …\n"
        f"C: DATA\nS: 354 …\n{letter}S: {reply}\n",
        source=client,
    )


# --- bans ---------------------------------------------------------------------------------------------------------


def test_the_banned_read_554_in_the_place_of_a_greeting(guard: Guarded, alice: Account) -> None:
    """RFC 5321 section 3.1."""
    client = guard.client()
    guard.bans.replace([(f"{client}/32", None)])
    converse(guard.port, "S: 554 5.7.1 Your network is banned here\nS! ", source=client)
    converse(guard.doors.ports.submission, "S: 554 5.7.1 Your network is banned here\nS! ", source=client)
    converse(guard.port, HELLO, source=guard.client())


# --- limits -------------------------------------------------------------------------------------------------------


def test_too_many_connections_of_one_address_are_put_off(
    guard: Guarded, alice: Account, settings: Settings
) -> None:
    """RFC 5321 section 3.8: 421, and the server closes."""
    settings.SMTP_CONNECTIONS_PER_MINUTE = 2
    client = guard.client()
    for _ in range(2):
        converse(guard.port, HELLO, source=client)
    converse(guard.port, "S: 421 4.7.1 Too many connections, try again in {n} seconds\nS! ", source=client)
    converse(guard.port, HELLO, source=guard.client())


@pytest.mark.parametrize(
    "name",
    ["SMTP_MESSAGES_PER_MINUTE", "SMTP_MESSAGES_PER_MINUTE_OF_NETWORK", "SMTP_MESSAGES_PER_MINUTE_FROM"],
)
def test_too_many_messages_are_put_off_at_mail(
    guard: Guarded, alice: Account, settings: Settings, name: str
) -> None:
    """RFC 5321 section 4.2.1: a 4yz reply has the client come again; RFC 3463 section 3.8: 4.7.1."""
    setattr(settings, name, 2)
    client = guard.client()
    sender = f"{client}@good.test"
    for _ in range(2):
        send(guard, client, alice, "250 …", sender=sender)
    converse(
        guard.port,
        f"{HELLO}C: MAIL FROM:<{sender}>\nS: 450 4.7.1 Too many messages, try again in {{n}} seconds\n"
        "C: RCPT TO:<a@b.test>\nS: 503 …\n",
        source=client,
    )
    assert Message.objects.filter(mailbox__account=alice).count() == 2


def test_bounces_are_not_counted_by_their_reverse_path(
    guard: Guarded, alice: Account, settings: Settings
) -> None:
    """RFC 5321 section 4.5.5: everybody's notices have the null reverse-path."""
    settings.SMTP_MESSAGES_PER_MINUTE_FROM = 1
    for _ in range(3):
        converse(guard.port, HELLO + "C: MAIL FROM:<>\nS: 250 …\n", source=guard.client())


def test_too_many_recipients_of_one_address_are_put_off(
    guard: Guarded, alice: Account, settings: Settings
) -> None:
    """RFC 5321 section 4.5.3.1.10: the others are to come in a transaction of their own, later."""
    settings.SMTP_RECIPIENTS_PER_MINUTE = 2
    converse(
        guard.port,
        HELLO
        + f"""
        C: MAIL FROM:<ann@good.test>
        S: 250 …
        C: RCPT TO:<{alice.login}>
        S: 250 …
        C: RCPT TO:<{alice.login}>
        S: 250 …
        C: RCPT TO:<{alice.login}>
        S: 450 4.7.1 Too many recipients, try again in {{n}} seconds
        C: DATA
        S: 354 …
        """
        + LETTER
        + "S: 250 …",
        source=guard.client(),
    )


def test_trusted_clients_have_no_limits(guard: Guarded, alice: Account, settings: Settings) -> None:
    client = guard.client(is_named=False)
    settings.TRUSTED_NETWORKS = parse_networks(f"{client}/32")
    settings.SMTP_CONNECTIONS_PER_MINUTE = settings.SMTP_MESSAGES_PER_MINUTE = 1
    for _ in range(3):
        send(guard, client, alice, "250 …", sender="nobody@doubtful.test")


# --- the tarpit ---------------------------------------------------------------------------------------------------


def test_who_guesses_addresses_waits_longer_and_longer_and_is_banned(
    guard: Guarded, alice: Account, settings: Settings
) -> None:
    """RFC 5321 section 7.3 on guessing by RCPT; section 3.8: 421 and the end."""
    settings.SMTP_MAX_REFUSED_RECIPIENTS = 20
    settings.BAN_AFTER_OFFENCES = 2
    client, domain = guard.client(), alice.login.partition("@")[2]
    begin = HELLO + "C: MAIL FROM:<ann@good.test>\nS: 250 …\n"
    guess = f"C: RCPT TO:<guess@{domain}>\nS: 550 5.1.1 …\n"
    end = f"C: RCPT TO:<guess@{domain}>\nS: 421 4.7.0 …\nS! \n"
    converse(guard.port, begin + guess * 20 + end, source=client)
    assert guard.waited == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5] + [5.0] * 7
    settings.SMTP_REFUSED_RECIPIENTS_PER_HOUR = 22  # shared by all sessions of the address
    converse(guard.port, begin + guess + end, source=client)
    assert guard.bans.is_banned(client)
    converse(guard.port, "S: 554 5.7.1 …\nS! ", source=client)
    [row] = [each for each in active_bans(now=datetime.now(UTC)) if each.network == f"{client}/32"]
    assert row.reason == "guessed recipients, 2 times"


# --- DNS lists ----------------------------------------------------------------------------------------------------


def test_who_is_on_a_list_that_refuses_may_write_to_postmaster_alone(guard: Guarded, alice: Account) -> None:
    """RFC 5782 section 6 on lists that reject; RFC 5321 section 4.5.1 on postmaster."""
    client = guard.client()
    guard.dns.say(f"{reverse(client)}.worse.test", "A", "127.0.0.2")
    converse(
        guard.port,
        HELLO
        + f"""
        C: MAIL FROM:<ann@good.test>
        S: 250 …
        C: RCPT TO:<{alice.login}>
        S: 550 5.7.1 Mail from {client} is not accepted: it is on the list worse.test
        C: RCPT TO:<Postmaster@{alice.login.partition("@")[2]}>
        S: 250 …
        """,
        source=client,
    )


def test_who_is_on_a_list_has_points_and_a_reason(guard: Guarded, alice: Account) -> None:
    client = guard.client()
    guard.dns.say(f"{reverse(client)}.bad.test", "A", "127.0.0.10")
    send(
        guard,
        client,
        alice,
        "451 4.7.1 Greylisted, try again in 120 seconds: your address is on a block list",
    )
    guard.later = timedelta(seconds=121)
    send(guard, client, alice, "250 …")
    [message] = Message.objects.filter(mailbox__account=alice)
    verdict = read_verdict(account_id=alice.pk, content_id=message.content_id)
    assert verdict is not None
    told = {each.check: each for each in verdict.findings}
    assert told["dns-list"].score == 2.0
    assert told["dns-list"].text == f"{client} is on the block list bad.test (127.0.0.10)."


def test_an_allow_list_saves_from_greylisting(guard: Guarded, alice: Account) -> None:
    client = guard.client()
    guard.dns.say(f"{reverse(client)}.good-ones.test", "A", "127.0.5.1")
    send(guard, client, alice, "250 …", sender="nobody@doubtful.test")


# --- greylisting --------------------------------------------------------------------------------------------------


def test_what_nothing_vouches_for_is_to_be_brought_again(guard: Guarded, alice: Account) -> None:
    """RFC 6647 sections 2.5 and 5."""
    client = guard.client()
    send(
        guard,
        client,
        alice,
        "451 4.7.1 Greylisted, try again in 120 seconds: neither SPF …",
        sender="x@no.test",
    )
    send(guard, client, alice, "451 4.7.1 …", sender="x@no.test")
    assert not Message.objects.filter(mailbox__account=alice).exists()
    guard.later = timedelta(seconds=125)
    send(guard, client, alice, "250 …", sender="x@no.test")


def test_a_client_without_a_name_is_to_come_again(guard: Guarded, alice: Account) -> None:
    client = guard.client(is_named=False)
    send(guard, client, alice, "451 4.7.1 …: your address has no name in DNS that leads back to it")


def test_what_spf_vouches_for_is_taken_at_once(guard: Guarded, alice: Account) -> None:
    send(guard, guard.client(), alice, "250 …")


def test_what_is_to_be_brought_again_counts_for_no_report_until_it_is(guard: Guarded, alice: Account) -> None:
    seen: list[Observation] = []
    guard.dns.say("_dmarc.counted.test", "TXT", '"v=DMARC1; p=none; rua=mailto:d@counted.test"')
    guard.doors.host.observe = seen.append
    letter = LETTER.replace("ann@good.test", "ann@counted.test")
    client = guard.client(is_named=False)
    try:
        send(guard, client, alice, "451 4.7.1 …", letter=letter)
        assert seen == []
        guard.later = timedelta(seconds=125)
        send(guard, client, alice, "250 …", letter=letter)
    finally:
        guard.doors.host.observe = None
    assert [each.row.source_ip for each in seen] == [client]


def test_greylisting_can_be_switched_off(guard: Guarded, alice: Account, settings: Settings) -> None:
    settings.GREYLISTING = False
    send(guard, guard.client(), alice, "250 …", sender="x@no.test")


def test_submission_is_not_guarded_so(guard: Guarded, alice: Account, settings: Settings) -> None:
    settings.SMTP_CONNECTIONS_PER_MINUTE = settings.SMTP_MESSAGES_PER_MINUTE = 1
    client = guard.client(is_named=False)
    for _ in range(2):
        converse(
            guard.doors.ports.submissions,
            f"{HELLO}C: AUTH PLAIN {{plain}}\nS: 235 …\nC: MAIL FROM:<{alice.login}>\nS: 250 …\n"
            f"C: RCPT TO:<{alice.login}>\nS: 250 …\nC: DATA\nS: 354 …\nC: From: {alice.login}\nC: \nC: .\nS: 250 …\n",
            tls=True,
            source=client,
            plain=plain(alice.login),
        )
