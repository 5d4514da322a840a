"""LMTP against a real listener (RFC 2033)."""

import ipaddress

import pytest
from pytest_django.fixtures import Settings

from delivery.models import Quarantined, QueuedMessage
from mailboxes.models import Account, AccountUsage
from mailboxes.sender_rules import set_sender_rule
from tests.conversations.smtp.listening import Doors
from tests.conversations.smtp.reading import inbox
from tests.conversations.smtp.test_inbound import alias
from tests.support.hosting import new_account
from tests.support.transcript import Conversation, converse

GREETED = "S: 220 mx.example.test LMTP\nC: LHLO front.test\nS~ 250 HELP\nC: MAIL FROM:<a@b.test>\nS: 250 …\n"


@pytest.fixture
def alice(smtp: Doors) -> Account:
    return new_account("alice")


@pytest.fixture
def bob(alice: Account) -> Account:
    return new_account("bob", domain=alice.login.partition("@")[2], quota_octets=1_000_000)


def lmtp(smtp: Doors, script: str, **words: str) -> None:
    assert smtp.ports.lmtp
    with Conversation(smtp.ports.lmtp, words=words) as conversation:
        conversation.follow(script)


def fill(account: Account) -> None:
    AccountUsage.objects.filter(account=account).update(octets=1_000_000 - 1)


def test_commands_and_their_places(smtp: Doors, alice: Account) -> None:
    """Sections 4.1 and 5: LHLO instead of EHLO and HELO, which are no commands; the extensions that it asks for."""
    lmtp(
        smtp,
        """
        S: 220 mx.example.test LMTP
        C: EHLO front.test
        S: 500 5.5.1 …
        C: HELO front.test
        S: 500 5.5.1 …
        C: MAIL FROM:<a@b.test>
        S: 503 5.5.1 Send LHLO first
        C: LHLO
        S: 501 5.5.4 …
        C: LHLO front.test
        S: 250-mx.example.test greets front.test
        S: 250-PIPELINING
        S~ 250-8BITMIME
        S~ 250-ENHANCEDSTATUSCODES
        S~ 250 HELP
        C: AUTH PLAIN
        S: 500 5.5.1 …
        C: MAIL FROM:<a@b.test>
        S: 250 …
        C: RCPT TO:<nobody@{domain}>
        S: 550 5.1.1 …
        C: DATA
        S: 503 5.5.1 …
        C: QUIT
        S: 221 …
        """,
        domain=alice.login.partition("@")[2],
    )


def test_lhlo_is_for_lmtp(smtp: Doors) -> None:
    converse(smtp.ports.smtp, "S: 220 …\nC: LHLO front.test\nS: 500 5.5.1 …")


def test_each_recipient_has_a_reply(smtp: Doors, alice: Account, bob: Account) -> None:
    """Section 4.2: one for each RCPT that was taken, in their order, also where a mailbox is named twice."""
    lmtp(
        smtp,
        GREETED
        + """
        C: RCPT TO:<{alice}>
        S: 250 …
        C: RCPT TO:<nobody@elsewhere.test>
        S: 550 5.7.1 …
        C: RCPT TO:<{bob}>
        S: 250 …
        C: RCPT TO:<{alice}>
        S: 250 …
        C: DATA
        S: 354 …
        C: Subject: x
        C: .
        S: 250 2.0.0 Ok: accepted as {id}
        S: 250 2.0.0 Ok: accepted as {id}
        S: 250 2.0.0 Ok: accepted as {id}
        C: QUIT
        S: 221 …
        """,
        alice=alice.login,
        bob=bob.login,
    )
    assert (len(inbox(alice)), len(inbox(bob))) == (1, 1)
    assert b" with LMTP id " in inbox(alice)[0]


def test_a_full_mailbox_keeps_nobody_elses_mail_back(smtp: Doors, alice: Account, bob: Account) -> None:
    domain = alice.login.partition("@")[2]
    alias(f"all@{domain}", alice.login, bob.login, f"away@far.{domain}")
    begin = GREETED + "".join(f"C: RCPT TO:<{{{each}}}>\nS: 250 …\n" for each in ("bob", "alice", "all"))
    fill(bob)
    lmtp(
        smtp,
        begin
        + """
        C: DATA
        S: 354 …
        C: Subject: x
        C: .
        S: 452 4.2.2 …
        S: 250 2.0.0 …
        S: 250 2.0.0 …
        C: NOOP
        S: 250 …
        """,
        alice=alice.login,
        bob=bob.login,
        all=f"all@{domain}",
    )
    assert (len(inbox(alice)), len(inbox(bob))) == (1, 0)
    assert QueuedMessage.objects.filter(recipients__destination__name=f"far.{domain}").count() == 1


def test_what_is_wrong_with_the_message_is_told_for_each(smtp: Doors, alice: Account, bob: Account) -> None:
    begin = GREETED + "C: RCPT TO:<{alice}>\nS: 250 …\nC: RCPT TO:<{bob}>\nS: 250 …\n"
    circles = "C: Received: x\n" * 101
    lmtp(
        smtp,
        f"{begin}C: DATA\nS: 354 …\n{circles}C: .\n" + "S: 554 5.4.6 …\n" * 2 + "C: NOOP\nS: 250 …\n",
        alice=alice.login,
        bob=bob.login,
    )


def test_the_last_chunk_has_a_reply_for_each(smtp: Doors, alice: Account, bob: Account) -> None:
    """Section 4.3: and the chunks before it have one."""
    begin = GREETED + "C: RCPT TO:<{alice}>\nS: 250 …\nC: RCPT TO:<{bob}>\nS: 250 …\n"
    chunks = "C| BDAT 6\\r\\nA: b\\r\\n\nS: 250 2.0.0 6 octets received\nC| BDAT 0 LAST\\r\\n\n"
    lmtp(
        smtp,
        begin + chunks + "S: 250 2.0.0 Ok…\n" * 2 + "C: NOOP\nS: 250 2.0.0 Ok\n",
        alice=alice.login,
        bob=bob.login,
    )


def test_a_last_chunk_that_is_too_much_is_refused_for_each(
    smtp: Doors, alice: Account, bob: Account, settings: Settings
) -> None:
    settings.SMTP_MAX_HELD_OCTETS = 3
    begin = GREETED + "C: RCPT TO:<{alice}>\nS: 250 …\nC: RCPT TO:<{bob}>\nS: 250 …\n"
    lmtp(
        smtp,
        begin + "C| BDAT 6 LAST\\r\\nA: b\\r\\n\n" + "S: 452 4.3.1 …\n" * 2 + "C: NOOP\nS: 250 2.0.0 Ok\n",
        alice=alice.login,
        bob=bob.login,
    )


def test_it_is_for_those_whom_a_setting_names(smtp: Doors, settings: Settings) -> None:
    settings.LMTP_NETWORKS = (ipaddress.ip_network("192.0.2.0/24"),)
    lmtp(smtp, "S: 554 No service for this address\nS!")


def test_a_recipient_who_refuses_the_sender_has_a_reply_of_its_own(
    smtp: Doors, alice: Account, bob: Account
) -> None:
    """Section 4.2: nothing has to go to quarantine where each can be told what becomes of its copy."""
    set_sender_rule(account_id=bob.pk, pattern="a@b.test", is_allowed=False, by="test")
    lmtp(
        smtp,
        GREETED
        + """
        C: RCPT TO:<{alice}>
        S: 250 …
        C: RCPT TO:<{bob}>
        S: 250 …
        C: DATA
        S: 354 …
        C: From: a@b.test
        C: 
        C: hello
        C: .
        S: 250 2.0.0 …
        S: 550 5.7.1 Not accepted: …
        C: QUIT
        S: 221 …
        """,
        alice=alice.login,
        bob=bob.login,
    )
    assert len(inbox(alice)) == 1
    assert inbox(bob) == []
    assert not Quarantined.objects.filter(account=bob).exists()
