"""Port 25 and LMTP with programs outside that are asked: what they say is what clients hear and accounts have."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from delivery.filters.checkers.case import WhenAway
from delivery.filters.checkers.checking import Checkers
from delivery.filters.checkers.clamd import Clamd
from delivery.filters.checkers.milter import Milter, MilterPlace
from delivery.filters.checkers.rspamd import Place, Rspamd
from delivery.filters.recording import read_verdict
from delivery.findings import Action, Verdict
from delivery.models import Quarantined, QueuedMessage
from mailboxes.models import Account, Message
from mailboxes.sender_rules import set_sender_rule
from tests.conversations.smtp.listening import Doors, open_doors
from tests.conversations.smtp.test_inbound import alias
from tests.support import checker_standins
from tests.support.checker_standins import Serve, StandIn, packet, standing_in
from tests.support.hosting import new_account
from tests.support.servers import running
from tests.support.transcript import converse


@dataclass
class Asked:
    """What the stand-ins serve now; a test says what it wants."""

    clamd: Serve = checker_standins.silent
    rspamd: Serve = checker_standins.silent
    milter: Serve = checker_standins.silent
    when_away: WhenAway = WhenAway.DEFER
    heard: dict[str, StandIn] = field(default_factory=dict)
    doors: Doors | None = None

    def says(self, **serves: Serve) -> None:
        """These are asked, and no others."""
        assert self.doors is not None
        for name, serve in serves.items():
            setattr(self, name, serve)
        places = {name: standing.endpoint for name, standing in self.heard.items()}
        self.doors.host.checkers = Checkers(
            clamd=Clamd(places["clamd"], when_away=self.when_away, at_once=2) if "clamd" in serves else None,
            rspamd=Rspamd(Place(places["rspamd"], "x"), when_away=self.when_away, at_once=2)
            if "rspamd" in serves
            else None,
            milters=[Milter(MilterPlace("lint", places["milter"]), when_away=self.when_away, at_once=2)]
            if "milter" in serves
            else [],
        )


@asynccontextmanager
async def checked(folder: Path, asked: Asked) -> AsyncIterator[Asked]:
    def now(name: str) -> Serve:
        async def serve(
            standing: StandIn, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            await getattr(asked, name)(standing, reader, writer)

        return serve

    async with AsyncExitStack() as stack:
        for name in ("clamd", "rspamd", "milter"):
            asked.heard[name] = await stack.enter_async_context(standing_in(now(name)))
        asked.doors = await stack.enter_async_context(open_doors(folder))
        yield asked


@pytest.fixture(scope="module")
def outside(shared_db: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    with running(checked(tmp_path_factory.mktemp("tls"), Asked())) as asked:
        yield asked


@pytest.fixture
def asked(outside: Asked) -> Asked:
    outside.when_away = WhenAway.DEFER
    return outside


@pytest.fixture
def alice(asked: Asked) -> Account:
    return new_account("alice")


@pytest.fixture
def bob(alice: Account) -> Account:
    return new_account("bob", domain=alice.login.partition("@")[2])


def send(
    asked: Asked, *recipients: str, reply: str = "250 2.0.0 …", fields: str = "", lmtp: bool = False
) -> None:
    assert asked.doors is not None
    envelope = "".join(f"C: RCPT TO:<{recipient}>\nS: 250 2.1.5 …\n" for recipient in recipients)
    replies = "".join(f"S: {line}\n" for line in reply.split("\n"))
    port = asked.doors.ports.lmtp if lmtp else asked.doors.ports.smtp
    assert port
    converse(
        port,
        f"S: 220 …\nC: {'LHLO' if lmtp else 'EHLO'} client.test\nS~ 250 HELP\nC: MAIL FROM:<ann@far.test>\nS: 250 …\n"
        f"{envelope}C: DATA\nS: 354 …\n{fields}C: From: ann@far.test\nC: To: somebody\n"
        f"C: Date: Mon, 23 Nov 2026 10:00:00 +0000\nC: Message-ID: <1@far.test>\nC: \nC: Hello.\nC: .\n{replies}",
    )


def only(account: Account, mailbox: str) -> tuple[bytes, Verdict]:
    [message] = Message.objects.filter(mailbox__account=account, mailbox__name=mailbox).select_related(
        "content"
    )
    verdict = read_verdict(account_id=account.pk, content_id=message.content_id)
    assert verdict is not None
    return bytes(message.content.octets), verdict


def has_nothing(account: Account) -> bool:
    held = Quarantined.objects.filter(account=account)
    return not held.exists() and not Message.objects.filter(mailbox__account=account).exists()


def answering(action: str, score: float = 0.0) -> Serve:
    return checker_standins.rspamd(
        json.dumps({"action": action, "score": score, "thresholds": {"add header": 6}}).encode()
    )


CLEAN = checker_standins.clamd(b"stream: OK\0")
VIRUS = checker_standins.clamd(b"stream: Eicar-Signature FOUND\0")


def test_all_of_them_take_it_and_the_verdict_says_so(asked: Asked, alice: Account) -> None:
    asked.says(clamd=CLEAN, rspamd=answering("no action", 1.2), milter=checker_standins.milter())
    send(asked, alice.login)
    octets, verdict = only(alice, "INBOX")
    assert {(f.check, f.result) for f in verdict.findings} == {
        ("clamd", "clean"),
        ("rspamd", "no action"),
        ("milter", "accept"),
    }
    assert verdict.score == 1.0
    told = asked.heard["clamd"].asked[-1]
    assert octets.endswith(told)


def test_a_virus_is_refused_with_its_name_and_nobody_has_it(
    asked: Asked, alice: Account, bob: Account
) -> None:
    asked.says(clamd=VIRUS)
    send(
        asked,
        alice.login,
        bob.login,
        reply="554 5.7.1 Not accepted: the message carries a virus (Eicar-Signature)",
    )
    assert has_nothing(alice)
    assert has_nothing(bob)


def test_a_virus_is_not_passed_on_either(asked: Asked, alice: Account) -> None:
    """Not even where somebody here would have it held."""
    asked.says(clamd=VIRUS)
    elsewhere = f"list@{alice.login.partition('@')[2]}"
    alias(elsewhere, "carol@elsewhere.test", alice.login)
    before = QueuedMessage.objects.count()
    send(asked, elsewhere, reply="554 5.7.1 …")
    send(asked, elsewhere, alice.login, lmtp=True, reply="554 5.7.1 …\n554 5.7.1 …")
    assert QueuedMessage.objects.count() == before
    assert has_nothing(alice)


def test_without_an_answer_it_is_to_be_brought_again(asked: Asked, alice: Account) -> None:
    asked.says(clamd=checker_standins.hanging_up)
    send(asked, alice.login, reply="451 4.3.0 A check of this host is away, try again later")
    assert has_nothing(alice)
    asked.says(clamd=CLEAN)
    send(asked, alice.login)
    assert only(alice, "INBOX")


def test_without_an_answer_it_is_taken_where_that_is_set_and_the_verdict_says_so(
    asked: Asked, alice: Account
) -> None:
    asked.when_away = WhenAway.ACCEPT
    asked.says(
        clamd=checker_standins.hanging_up,
        rspamd=checker_standins.saying(b"+OK what?\r\n\r\n"),
        milter=checker_standins.saying(b"\0\0\0\1?"),
    )
    send(asked, alice.login)
    _, verdict = only(alice, "INBOX")
    assert [f.text for f in verdict.findings] == [
        "The virus scanner was not heard: It hung up.",
        "Rspamd was not heard: Its answer is no HTTP.",
        "The filter lint was not heard: It does not answer what is to be agreed on.",
    ]


def test_what_is_refused_anyway_is_not_to_be_brought_again(asked: Asked, alice: Account) -> None:
    asked.says(clamd=VIRUS, rspamd=checker_standins.hanging_up)
    send(asked, alice.login, reply="554 5.7.1 …")


def test_rspamds_header_means_junk_but_for_a_sender_that_is_let_in(
    asked: Asked, alice: Account, bob: Account
) -> None:
    asked.says(rspamd=answering("add header", 7.0))
    set_sender_rule(account_id=bob.pk, pattern="ann@far.test", is_allowed=True, by="test")
    send(asked, alice.login, bob.login)
    _, verdict = only(alice, "Junk")
    assert verdict.action is Action.JUNK
    assert verdict.findings[0].text.startswith("Rspamd says “add header” at a score of 7")
    assert only(bob, "INBOX")


@pytest.mark.parametrize(
    ("action", "reply"),
    [
        ("reject", "550 5.7.1 Not accepted: the message looks like junk mail"),
        ("soft reject", "451 4.7.1 Not now, try again later"),
        ("greylist", "250 2.0.0 …"),
    ],
)
def test_what_clients_hear_of_rspamds_actions(asked: Asked, alice: Account, action: str, reply: str) -> None:
    asked.says(rspamd=answering(action, 4.0))
    send(asked, alice.login, reply=reply)
    assert has_nothing(alice) is not reply.startswith("250")


def test_a_milters_own_reply_is_told(asked: Asked, alice: Account) -> None:
    asked.says(milter=checker_standins.milter({b"E": packet(b"y", b"550 5.7.9 Not today\r\n250 ok\0")}))
    send(asked, alice.login, reply="550 5.7.9 Not today")
    asked.says(milter=checker_standins.milter({b"M": packet(b"y", b"421 4.7.0 Too many of you\0")}))
    send(asked, alice.login, reply="451 4.7.0 Too many of you")
    assert has_nothing(alice)


def test_whom_a_milter_refuses_has_it_held_where_others_take_it(
    asked: Asked, alice: Account, bob: Account
) -> None:
    asked.says(milter=checker_standins.milter({b"R<bob@": packet(b"y", b"550 5.1.1 Not him\0")}))
    send(asked, alice.login, bob.login)
    assert only(alice, "INBOX")
    [held] = Quarantined.objects.filter(account=bob)
    verdict = read_verdict(account_id=bob.pk, content_id=held.content_id)
    assert verdict is not None
    assert verdict.findings[0].text == f"The filter lint refuses it for {bob.login}: Not him."


def test_whom_a_milter_refuses_is_told_so_where_that_can_be(
    asked: Asked, alice: Account, bob: Account
) -> None:
    asked.says(milter=checker_standins.milter({b"R<bob@": packet(b"y", b"550 5.1.1 Not him\0")}))
    send(asked, bob.login, reply="550 5.1.1 Not him")
    send(asked, alice.login, bob.login, lmtp=True, reply="250 2.0.0 …\n550 5.1.1 Not him")
    assert only(alice, "INBOX")
    assert has_nothing(bob)


def test_an_address_elsewhere_that_a_milter_refuses_gets_nothing(
    asked: Asked, alice: Account, bob: Account
) -> None:
    """There is one reply, and no quarantine for it: all are refused."""
    asked.says(milter=checker_standins.milter({b"R<list@": packet(b"r")}))
    elsewhere = f"list@{alice.login.partition('@')[2]}"
    alias(elsewhere, "carol@elsewhere.test")
    send(asked, bob.login, elsewhere, reply="550 5.7.1 …")
    assert has_nothing(bob)


def test_what_a_milter_would_let_vanish_is_held(asked: Asked, alice: Account) -> None:
    asked.says(milter=checker_standins.milter({b"E": packet(b"d")}))
    send(asked, alice.login)
    assert Quarantined.objects.filter(account=alice).count() == 1


def test_a_milters_fields_are_in_what_is_kept_and_those_in_our_name_are_its_own(
    asked: Asked, alice: Account
) -> None:
    """What came in under our name no milter sees, and it does not count where it says which field it means."""
    wishes = (
        packet(b"i", b"\0\0\0\0Authentication-Results\0mx.example.test; dkim=pass\0")
        + packet(b"m", b"\0\0\0\1Authentication-Results\0\0")
        + packet(b"h", b"X-Lint\0one\n two\0")
        + packet(b"h", b"X-Long\0a\nBcc: eve@evil.test\0")
        + packet(b"c")
    )
    asked.says(milter=checker_standins.milter({b"E": wishes}))
    forged = "C: Authentication-Results: mx.example.test; spf=pass\nC: Authentication-Results: other.test; spf=pass\n"
    send(asked, alice.login, fields=forged)
    octets, verdict = only(alice, "INBOX")
    assert b"spf=pass" not in b"".join(asked.heard["milter"].asked[-1].split(b"other.test; spf=pass"))
    header = octets.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert header[0].startswith(b"Return-Path:")
    assert b"Authentication-Results: other.test; spf=pass" in header
    assert not any(b"mx.example.test; spf" in line for line in header)
    assert header[-4:] == [b"X-Lint: one", b" two", b"X-Long: a", b"\tBcc: eve@evil.test"]
    assert [f.text for f in verdict.findings] == ["The filter lint takes it and changes its header."]


def test_a_field_that_a_milter_puts_in_front_is_seen_by_readers(asked: Asked, alice: Account) -> None:
    wish = packet(b"i", b"\0\0\0\0Subject\0[lint] Hello\0") + packet(b"c")
    asked.says(milter=checker_standins.milter({b"E": wish}))
    send(asked, alice.login)
    message = Message.objects.select_related("content").get(mailbox__account=alice, mailbox__name="INBOX")
    assert b"\r\nSubject: [lint] Hello\r\nFrom: ann@far.test\r\n" in bytes(message.content.octets)
    assert message.content.subject == "[lint] Hello"


def test_the_trace_knows_what_was_put_off(asked: Asked, alice: Account) -> None:
    asked.says(milter=checker_standins.milter({b"C": packet(b"t")}))
    traced: list[str] = []
    assert asked.doors is not None
    asked.doors.host.trace = lambda noted: traced.extend(f"{each.outcome} {each.reply}" for each in noted)
    send(asked, alice.login, reply="451 4.7.1 …")
    assert [line.partition(" ")[2][:9] for line in traced] == ["451 4.7.1"]
