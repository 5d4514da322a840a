"""Port 25 with the filters at work: what is found out is told, obeyed, and kept with the message."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from pytest_django.fixtures import Settings

from delivery.filters.recording import read_verdict
from delivery.findings import Action, Verdict
from delivery.models import Quarantined
from mailboxes.junk.classifier import Totals
from mailboxes.junk.site_counts import Counts, SiteCounts
from mailboxes.junk.tokens import hashes_of
from mailboxes.models import Account, Message
from mailboxes.sender_rules import set_sender_rule
from tests.conversations.smtp.listening import Doors, open_doors
from tests.support.dns_server import DnsServer, dns_server
from tests.support.hosting import new_account
from tests.support.servers import running
from tests.support.transcript import converse

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*" + "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


@asynccontextmanager
async def guarded(folder: Path, server: list[DnsServer]) -> AsyncIterator[Doors]:
    async with dns_server() as dns:
        server.append(dns)
        async with open_doors(folder, resolver=dns.resolver()) as doors:
            yield doors


@pytest.fixture(scope="module")
def filtered(shared_db: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    server: list[DnsServer] = []
    with running(guarded(tmp_path_factory.mktemp("tls"), server)) as doors:
        dns = server[0]
        dns.say("1.0.0.127.in-addr.arpa", "PTR", "client.test.")
        dns.say("client.test", "A", "127.0.0.1")
        dns.say("good.test", "TXT", '"v=spf1 ip4:127.0.0.1 -all"')
        dns.say("_dmarc.good.test", "TXT", '"v=DMARC1; p=reject"')
        dns.say("forged.test", "TXT", '"v=spf1 -all"')
        dns.say("_dmarc.forged.test", "TXT", '"v=DMARC1; p=reject"')
        dns.say("doubtful.test", "TXT", '"v=spf1 -all"')
        dns.say("_dmarc.doubtful.test", "TXT", '"v=DMARC1; p=quarantine"')
        yield doors


@pytest.fixture
def alice(filtered: Doors) -> Account:
    return new_account("alice")


def send(
    doors: Doors,
    *recipients: str,
    sender: str = "ann@good.test",
    fields: str = "",
    text: str = "Hello.",
    reply: str = "250 2.0.0 …",
) -> None:
    envelope = "".join(f"C: RCPT TO:<{recipient}>\nS: 250 2.1.5 …\n" for recipient in recipients)
    converse(
        doors.ports.smtp,
        f"S: 220 …\nC: EHLO client.test\nS~ 250 HELP\nC: MAIL FROM:<{sender}>\nS: 250 …\n{envelope}"
        f"C: DATA\nS: 354 …\n{fields}C: From: {sender}\nC: To: somebody\n"
        f"C: Date: Mon, 23 Nov 2026 10:00:00 +0000\nC: Message-ID: <1@good.test>\nC: \nC: {text}\nC: .\nS: {reply}\n",
    )


def only(account: Account, mailbox: str) -> tuple[bytes, Verdict | None]:
    """The one message in a mailbox, and why it is there."""
    [message] = Message.objects.filter(mailbox__account=account, mailbox__name=mailbox).select_related(
        "content"
    )
    return bytes(message.content.octets), read_verdict(account_id=account.pk, content_id=message.content_id)


def test_what_was_found_out_is_told_in_the_header_and_kept(filtered: Doors, alice: Account) -> None:
    send(filtered, alice.login)
    octets, verdict = only(alice, "INBOX")
    assert (
        b"\r\nAuthentication-Results: mx.example.test;\r\n iprev=pass policy.iprev=127.0.0.1;\r\n" in octets
    )
    assert b"spf=pass smtp.mailfrom=ann@good.test" in octets
    assert b"dmarc=pass header.from=good.test" in octets
    assert verdict is not None
    assert verdict.action is Action.DELIVER
    told = {finding.check: finding.result for finding in verdict.findings}
    assert told["spf"] == told["dmarc"] == told["iprev"] == "pass"


def test_results_that_came_in_under_our_name_are_taken_out(filtered: Doors, alice: Account) -> None:
    forged = (
        "C: Authentication-Results: (x) MX.example.test; dkim=pass header.d=bank.test\n"
        "C: Authentication-Results: other.test; dkim=pass\n"
    )
    send(filtered, alice.login, fields=forged)
    octets, _ = only(alice, "INBOX")
    assert b"bank.test" not in octets
    assert b"Authentication-Results: other.test; dkim=pass\r\n" in octets


def test_results_behind_a_bare_cr_are_taken_out(filtered: Doors, alice: Account) -> None:
    """It leaves as CRLF, so readers would see a field of ours there."""
    forged = "C| Subject: x\\rAuthentication-Results: mx.example.test; dkim=pass header.d=bank.test\\r\\n\n"
    send(filtered, alice.login, fields=forged)
    octets, _ = only(alice, "INBOX")
    assert b"\r\nSubject: x\r" in octets
    assert b"bank.test" not in octets


def test_what_a_domain_wants_refused_is_refused(filtered: Doors, alice: Account) -> None:
    send(filtered, alice.login, sender="boss@forged.test", reply="550 5.7.26 Not accepted: …")
    assert not Message.objects.filter(mailbox__account=alice).exists()


@pytest.mark.parametrize(
    "fields",
    [
        "From: ann@good.test",
        "From: ann@good.test <boss@forged.test>",
        "From: ann@good.test, boss@forged.test",
        "From: friends: ann@good.test; boss@forged.test",
        "From: boss@forged.test <>",
        "From: <ann@good.test> <boss@forged.test>",
        'From: "boss@forged.test"',
        "From: =?utf-8?q?boss=40forged.test?=",
    ],
)
def test_a_from_that_is_more_than_one_hides_no_forgery(filtered: Doors, alice: Account, fields: str) -> None:
    """What fails for one of the domains that a reader may see is refused as that domain asks."""
    converse(
        filtered.ports.smtp,
        f"S: 220 …\nC: EHLO client.test\nS~ 250 HELP\nC: MAIL FROM:<ann@good.test>\nS: 250 …\n"
        f"C: RCPT TO:<{alice.login}>\nS: 250 …\nC: DATA\nS: 354 …\nC: {fields}\n"
        + ("C: From: boss@forged.test\n" if "forged" not in fields else "")
        + "C: \nC: Hello\nC: .\nS: 550 5.7.26 Not accepted: …",
    )
    assert not Message.objects.filter(mailbox__account=alice).exists()


def test_what_a_domain_wants_kept_out_of_inboxes_goes_to_junk(filtered: Doors, alice: Account) -> None:
    send(filtered, alice.login, sender="boss@doubtful.test")
    _, verdict = only(alice, "Junk")
    assert verdict is not None
    assert verdict.action is Action.JUNK
    assert verdict.findings[0].check == "dmarc"
    assert "asks to keep such mail out of inboxes" in verdict.findings[0].text


def test_the_string_that_filters_are_tried_with_is_refused(filtered: Doors, alice: Account) -> None:
    send(filtered, alice.login, text=GTUBE, reply="550 5.7.1 Not accepted: …")


def test_who_refuses_what_others_take_has_it_in_quarantine(filtered: Doors, alice: Account) -> None:
    bob = new_account("bob")
    set_sender_rule(account_id=bob.pk, pattern="@good.test", is_allowed=False, by="test")
    send(filtered, alice.login, bob.login)
    assert only(alice, "INBOX")
    assert not Message.objects.filter(mailbox__account=bob).exists()
    [held] = Quarantined.objects.filter(account=bob)
    verdict = read_verdict(account_id=bob.pk, content_id=held.content_id)
    assert verdict is not None
    assert verdict.findings[0].text == "You refuse mail from @good.test."


def test_a_sender_whom_the_only_recipient_refuses_is_told(filtered: Doors, alice: Account) -> None:
    set_sender_rule(account_id=alice.pk, pattern="ann@good.test", is_allowed=False, by="test")
    send(filtered, alice.login, reply="550 5.7.1 Not accepted: …")


def test_a_sender_that_is_let_in_is_not_taken_for_junk(filtered: Doors, alice: Account) -> None:
    fields = "C: Date: Mon, 23 Nov 2020 10:00:00 +0000\nC: From: eve@good.test\nC: Subject: BUY OUR CHEAP WATCHES\n"
    fields += "C: To: x\nC: Reply-To: x@elsewhere.test\n"
    send(filtered, alice.login, fields=fields)
    bob = new_account("bob")
    set_sender_rule(account_id=bob.pk, pattern="ann@good.test", is_allowed=True, by="test")
    send(filtered, bob.login, fields=fields)
    assert Message.objects.get(mailbox__account=alice).mailbox.name == "Junk"
    assert Message.objects.get(mailbox__account=bob).mailbox.name == "INBOX"


def test_a_rule_that_lets_a_domain_in_does_not_let_in_who_only_says_so(
    filtered: Doors, alice: Account
) -> None:
    set_sender_rule(account_id=alice.pk, pattern="@forged.test", is_allowed=True, by="test")
    send(filtered, alice.login, sender="boss@forged.test", reply="550 5.7.26 Not accepted: …")


@pytest.fixture
def learned(filtered: Doors) -> Iterator[SiteCounts]:
    """What all accounts have taught: mail that sells watches is junk."""
    site = SiteCounts()
    junk, wanted = (
        "watches replica discount luxury order today",
        "minutes meeting agenda project thursday room",
    )
    tokens = np.unique(hashes_of(f"{junk} {wanted}".split()))
    is_junk = np.isin(tokens, hashes_of(junk.split())).astype(np.int32)
    site.totals, site._base = Totals(50, 50), Counts(tokens, is_junk * 40, (1 - is_junk) * 40)
    filtered.host.junk = site
    yield site
    filtered.host.junk = None


def test_what_the_site_has_learned_is_asked_for_accounts_without_lessons(
    filtered: Doors, alice: Account, learned: SiteCounts, settings: Settings
) -> None:
    send(filtered, alice.login, text="Replica watches, luxury discount, order today")
    _, verdict = only(alice, "Junk")
    assert verdict is not None
    assert verdict.findings[0].check == "lessons"
    assert 'the word "discount"' in verdict.findings[0].text
    bob = new_account("bob")
    set_sender_rule(account_id=bob.pk, pattern="@elsewhere.test", is_allowed=True, by="test")
    send(filtered, bob.login, text="Replica watches, luxury discount, order today")
    assert only(bob, "Junk")[1] == verdict  # in a thread, since he has rules of his own
    carol = new_account("carol")
    settings.CLASSIFIER = False
    send(filtered, carol.login, text="Replica watches, luxury discount, order today")
    assert only(carol, "INBOX")


def test_large_messages_are_read_for_words_too(filtered: Doors, alice: Account, learned: SiteCounts) -> None:
    lines = "\nC: ".join(["Replica watches, luxury discount, order today"] * 400)
    send(filtered, alice.login, text=lines)
    assert only(alice, "Junk")
