"""What port 25 counts for reports to other domains: messages that were taken and refused, each once, and no others."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from delivery.feedback.observing import Observation
from delivery.models import DmarcFeedback
from delivery.smtp.observing import ObservationWriter
from mailboxes.models import Account
from mailboxes.sender_rules import set_sender_rule
from mailhost.net.store_threads import StoreUnavailable
from tests.conversations.smtp.listening import Doors, open_doors
from tests.support.dns_server import dns_server
from tests.support.hosting import new_account
from tests.support.observing import observation
from tests.support.servers import running
from tests.support.transcript import converse

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*" + "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
RUA = "rua=mailto:d@far.test"


@asynccontextmanager
async def observed(folder: Path, seen: list[Observation]) -> AsyncIterator[Doors]:
    async with dns_server() as dns:
        dns.say("good.test", "TXT", '"v=spf1 ip4:127.0.0.1 -all"')
        dns.say("_dmarc.good.test", "TXT", f'"v=DMARC1; p=reject; {RUA}"')
        dns.say("forged.test", "TXT", '"v=spf1 -all"')
        dns.say("_dmarc.forged.test", "TXT", f'"v=DMARC1; p=reject; {RUA}"')
        dns.say("quiet.test", "TXT", '"v=spf1 -all"')
        dns.say("_dmarc.quiet.test", "TXT", '"v=DMARC1; p=reject"')
        async with open_doors(folder, resolver=dns.resolver()) as doors:
            doors.host.observe = seen.append
            yield doors


@pytest.fixture
def seen() -> list[Observation]:
    return []


@pytest.fixture
def doors(shared_db: None, tmp_path: Path, seen: list[Observation]) -> Iterator[Doors]:
    with running(observed(tmp_path, seen)) as opened:
        yield opened


@pytest.fixture
def alice(doors: Doors) -> Account:
    return new_account("alice")


def send(
    port: int,
    *recipients: str,
    sender: str,
    text: str = "Hello.",
    reply: str = "250 2.0.0 …",
    hello: str = "EHLO",
) -> None:
    envelope = "".join(f"C: RCPT TO:<{recipient}>\nS: 250 2.1.5 …\n" for recipient in recipients)
    converse(
        port,
        f"S: 220 …\nC: {hello} client.test\nS~ 250 HELP\nC: MAIL FROM:<{sender}>\nS: 250 …\n{envelope}"
        f"C: DATA\nS: 354 …\nC: From: {sender}\nC: To: somebody\n"
        f"C: Date: Mon, 23 Nov 2026 10:00:00 +0000\nC: Message-ID: <1@good.test>\nC: \nC: {text}\nC: .\nS: {reply}\n",
    )


def told(seen: list[Observation]) -> list[tuple[str, str, str, str]]:
    return [(each.policy.domain, each.row.disposition, each.row.dkim, each.row.spf) for each in seen]


def test_a_message_for_several_counts_once_without_its_recipients(
    doors: Doors, alice: Account, seen: list[Observation]
) -> None:
    bob = new_account("bob")
    send(doors.ports.smtp, alice.login, bob.login, sender="ann@good.test")
    assert told(seen) == [("good.test", "pass", "fail", "pass")]
    assert alice.login.partition("@")[2] not in repr(seen)
    assert (seen[0].row.source_ip, seen[0].row.envelope_from) == ("127.0.0.1", "good.test")


def test_what_is_refused_counts_as_well(doors: Doors, alice: Account, seen: list[Observation]) -> None:
    send(doors.ports.smtp, alice.login, sender="boss@forged.test", reply="550 5.7.26 …")
    assert told(seen) == [("forged.test", "reject", "fail", "fail")]


def test_what_is_refused_for_other_reasons_is_not_the_domains_doing(
    doors: Doors, alice: Account, seen: list[Observation]
) -> None:
    send(doors.ports.smtp, alice.login, sender="ann@good.test", text=GTUBE, reply="550 5.7.1 …")
    set_sender_rule(account_id=alice.pk, pattern="ann@good.test", is_allowed=False, by="test")
    send(doors.ports.smtp, alice.login, sender="ann@good.test", reply="550 5.7.1 …")
    assert told(seen) == [("good.test", "pass", "fail", "pass")] * 2


def test_a_message_that_is_put_off_counts_when_it_comes_again(
    doors: Doors, alice: Account, seen: list[Observation]
) -> None:
    accept = doors.host.accept

    async def away(_: object) -> None:
        raise StoreUnavailable("the database is away")

    doors.host.accept = away  # type: ignore[assignment]
    send(doors.ports.smtp, alice.login, sender="ann@good.test", reply="451 …")
    assert seen == []
    doors.host.accept = accept
    send(doors.ports.smtp, alice.login, sender="ann@good.test")
    assert len(seen) == 1


def test_nothing_is_counted_for_who_does_not_ask_or_is_nobody(
    doors: Doors, alice: Account, seen: list[Observation]
) -> None:
    send(doors.ports.smtp, alice.login, sender="boss@quiet.test", reply="550 5.7.26 …")
    send(doors.ports.smtp, alice.login, sender="ann@nowhere.test")
    assert seen == []


def test_what_another_front_took_is_reported_by_that_one(
    doors: Doors, alice: Account, seen: list[Observation]
) -> None:
    assert doors.ports.lmtp is not None
    send(doors.ports.lmtp, alice.login, sender="ann@good.test", hello="LHLO")
    assert seen == []


def test_without_the_setting_nothing_is_counted(
    doors: Doors, alice: Account, seen: list[Observation]
) -> None:
    doors.host.observe = None
    send(doors.ports.smtp, alice.login, sender="ann@good.test")
    assert seen == []


def counts(prefix: str) -> dict[str, int]:
    return dict(
        DmarcFeedback.objects.filter(domain__startswith=prefix).values_list("domain", "message_count")
    )


def test_the_writer_puts_everything_into_the_database_before_it_ends(shared_db: None) -> None:
    async def write() -> None:
        writer = ObservationWriter()
        for number in range(3_000):
            writer.note(observation(f"end{number % 250}.test", ip=f"192.0.2.{number % 3}"))
        await writer.close()

    asyncio.run(write())
    assert counts("end") == {f"end{number}.test": 12 for number in range(250)}


def test_what_could_not_be_written_is_counted_later(shared_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    async def write() -> None:
        writer = ObservationWriter()
        with monkeypatch.context() as patch:
            patch.setattr("delivery.smtp.observing.in_store", _away)
            writer.note(observation("later.test"))
            await writer._write()
        writer.note(observation("later.test"))
        await writer.close()

    asyncio.run(write())
    assert counts("later") == {"later.test": 2}


async def _away(*_: object) -> None:
    raise StoreUnavailable("the database is away")
