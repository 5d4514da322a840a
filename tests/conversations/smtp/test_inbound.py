"""Port 25 against a real listener: who gets mail here, and who is refused (RFC 5321)."""

import pytest

from domains.aliases import set_alias
from domains.registration import add_domain
from mailboxes.accounts import change_account
from mailboxes.models import Account
from mailhost.protocols.addresses import EmailAddress
from tests.conversations.smtp.listening import Doors
from tests.conversations.smtp.reading import inbox
from tests.support.hosting import new_account, new_domain
from tests.support.transcript import converse


def alias(address: str, *targets: str) -> None:
    set_alias(
        address=EmailAddress.parse(address),
        targets=[EmailAddress.parse(target) for target in targets],
        by="test",
    )


def rcpt(smtp: Doors, recipient: str, reply: str) -> None:
    converse(
        smtp.ports.smtp,
        """
        S: 220 mx.example.test ESMTP
        C: EHLO client.test
        S~ 250 HELP
        C: MAIL FROM:<sender@elsewhere.test>
        S: 250 2.1.0 …
        C: RCPT TO:<{recipient}>
        S: {reply} …
        C: QUIT
        S: 221 2.0.0 …
        S!
        """.replace("{reply}", reply),
        recipient=recipient,
    )


def deliver(smtp: Doors, *recipients: str) -> None:
    converse(
        smtp.ports.smtp,
        "S: 220 …\nC: EHLO client.test\nS~ 250 HELP\nC: MAIL FROM:<sender@elsewhere.test>\nS: 250 …\n"
        + "".join(f"C: RCPT TO:<{recipient}>\nS: 250 2.1.5 …\n" for recipient in recipients)
        + "C: DATA\nS: 354 …\nC: From: sender@elsewhere.test\nC: Subject: hello\nC: \nC: text\nC: .\nS: 250 2.0.0 …\n",
    )


@pytest.fixture
def alice(smtp: Doors) -> Account:
    return new_account("alice")


def test_a_message_goes_into_the_inbox(smtp: Doors, alice: Account) -> None:
    converse(
        smtp.ports.smtp,
        """
        S: 220 mx.example.test ESMTP
        C: EHLO client.test
        S: 250-mx.example.test greets client.test
        S: 250-PIPELINING
        S: 250-SIZE …
        S: 250-8BITMIME
        S: 250-CHUNKING
        S: 250-BINARYMIME
        S: 250-SMTPUTF8
        S: 250-DSN
        S: 250-ENHANCEDSTATUSCODES
        S: 250-LIMITS RCPTMAX=1000
        S: 250-STARTTLS
        S: 250 HELP
        C: MAIL FROM:<sender@elsewhere.test> SIZE=100 BODY=8BITMIME
        S: 250 2.1.0 Sender ok
        C: RCPT TO:<{alice}>
        S: 250 2.1.5 Recipient ok
        C: DATA
        S: 354 End data with <CR><LF>.<CR><LF>
        C: From: sender@elsewhere.test
        C: Subject: hello
        C:
        C| ..dot\\r\\n
        C| .\\r\\n
        S: 250 2.0.0 Ok: accepted as {id}
        C: QUIT
        S: 221 2.0.0 Bye
        S!
        """,
        alice=alice.login,
    )
    [octets] = inbox(alice)
    header, _, text = octets.partition(b"\r\n\r\n")
    assert header.startswith(
        b"Return-Path: <sender@elsewhere.test>\r\nReceived: from client.test ([127.0.0.1])\r\n"
    )
    assert b"by mx.example.test with ESMTP id " in header
    assert f"for <{alice.login}>".encode() in header
    assert header.endswith(b"+0000\r\nFrom: sender@elsewhere.test\r\nSubject: hello")
    assert text == b".dot\r\n"


def test_unknown_local_parts_are_refused(smtp: Doors, alice: Account) -> None:
    rcpt(smtp, f"nobody@{alice.login.partition('@')[2]}", "550 5.1.1")


def test_mail_for_a_domain_we_do_not_host_is_not_relayed(smtp: Doors, alice: Account) -> None:
    domain = alice.login.partition("@")[2]
    for recipient in (
        "someone@elsewhere.test",
        "alice%elsewhere.test@relay.test",
        "alice@[127.0.0.1]",
        f"@{domain}:someone@elsewhere.test",
    ):
        rcpt(smtp, recipient, "550 5.7.1")
    rcpt(smtp, f"someone%elsewhere.test@{domain}", "550 5.1.1")


def test_addresses_compare_caselessly_and_routes_are_ignored(smtp: Doors, alice: Account) -> None:
    rcpt(smtp, alice.login.upper(), "250 2.1.5")
    rcpt(smtp, f"@relay.test:{alice.login}", "250 2.1.5")
    rcpt(smtp, alice.login.replace("alice", '"alice"'), "250 2.1.5")


def test_disabled_accounts_and_full_ones_are_refused(smtp: Doors, alice: Account) -> None:
    change_account(account_id=alice.pk, quota_octets=1, by="test")
    deliver_refused = "S: 220 …\nC: EHLO a\nS~ 250 HELP\nC: MAIL FROM:<> SIZE=2\nS: 250 …\n"
    converse(smtp.ports.smtp, deliver_refused + "C: RCPT TO:<{alice}>\nS: 452 4.2.2 …\n", alice=alice.login)
    change_account(account_id=alice.pk, is_enabled=False, by="test")
    rcpt(smtp, alice.login, "550 5.2.1")


def test_a_message_that_fills_the_account_is_refused_after_data(smtp: Doors, alice: Account) -> None:
    bob = new_account("bob", domain=alice.login.partition("@")[2])
    change_account(account_id=alice.pk, quota_octets=20, by="test")
    converse(
        smtp.ports.smtp,
        """
        S: 220 …
        C: EHLO client.test
        S~ 250 HELP
        C: MAIL FROM:<sender@elsewhere.test>
        S: 250 …
        C: RCPT TO:<{alice}>
        S: 250 2.1.5 …
        C: RCPT TO:<{bob}>
        S: 250 2.1.5 …
        C: DATA
        S: 354 …
        C: Subject: longer than twenty octets
        C: .
        S: 452 4.2.2 …
        """,
        alice=alice.login,
        bob=bob.login,
    )
    assert inbox(alice) == inbox(bob) == []  # for both or for none: the sender tries again


def test_sub_addresses_and_catch_all(smtp: Doors, alice: Account) -> None:
    domain = alice.login.partition("@")[2]
    deliver(smtp, f"alice+lists@{domain}")
    alias(f"*@{domain}", alice.login)
    deliver(smtp, f"anything@{domain}")
    assert len(inbox(alice)) == 2


def test_aliases_of_many_with_loops_give_each_one_copy(smtp: Doors, alice: Account) -> None:
    domain = alice.login.partition("@")[2]
    bob = new_account("bob", domain=domain)
    alias(f"team@{domain}", alice.login, bob.login, f"all@{domain}")
    alias(f"all@{domain}", f"team@{domain}", bob.login)
    deliver(smtp, f"team@{domain}", f"all@{domain}", alice.login)
    assert len(inbox(alice)) == len(inbox(bob)) == 1


def test_an_alias_that_only_leads_to_itself_is_nobody(smtp: Doors, alice: Account) -> None:
    domain = alice.login.partition("@")[2]
    alias(f"a@{domain}", f"b@{domain}")
    alias(f"b@{domain}", f"a@{domain}")
    rcpt(smtp, f"a@{domain}", "550 5.1.1")


def test_domain_aliases(smtp: Doors, alice: Account) -> None:
    domain = alice.login.partition("@")[2]
    add_domain(name=f"alias.{domain}", alias_of=domain, by="test")
    deliver(smtp, f"alice@alias.{domain}")
    assert len(inbox(alice)) == 1
    rcpt(smtp, f"nobody@alias.{domain}", "550 5.1.1")


def test_postmaster_has_a_reader_on_every_domain(smtp: Doors, alice: Account) -> None:
    change_account(account_id=alice.pk, is_operator=True, by="test")
    for postmaster in (
        "Postmaster",
        f"postmaster@{new_domain()}",
        f"PostMaster@{alice.login.partition('@')[2]}",
    ):
        rcpt(smtp, postmaster, "250 2.1.5")


def test_foreign_targets_of_an_alias_are_queued(smtp: Doors, alice: Account) -> None:
    from delivery.models import QueuedRecipient

    domain = alice.login.partition("@")[2]
    alias(f"away@{domain}", alice.login, f"alice@not-{domain}")
    deliver(smtp, f"away@{domain}")
    assert len(inbox(alice)) == 1
    queued = QueuedRecipient.objects.get(forward_path=f"alice@not-{domain}")
    assert queued.message.reverse_path == "sender@elsewhere.test"


def test_copies_for_many_recipients_share_one_content(smtp: Doors, alice: Account) -> None:
    from mailboxes.models import Message

    bob = new_account("bob", domain=alice.login.partition("@")[2])
    deliver(smtp, alice.login, bob.login)
    contents = Message.objects.filter(mailbox__account_id__in=[alice.pk, bob.pk]).values_list(
        "content_id", flat=True
    )
    assert len(contents) == 2
    assert len(set(contents)) == 1
    [octets] = inbox(alice)
    assert b"for <" not in octets  # no field tells of other recipients


def test_utf8_addresses(smtp: Doors) -> None:
    account = new_account("jürgen")
    converse(
        smtp.ports.smtp,
        """
        S: 220 …
        C: EHLO client.test
        S~ 250 HELP
        C: MAIL FROM:<sender@elsewhere.test>
        S: 250 …
        C: RCPT TO:<{account}>
        S: 553 5.6.7 …
        C: RSET
        S: 250 …
        C: MAIL FROM:<absender@bücher.test> SMTPUTF8
        S: 250 …
        C: RCPT TO:<{account}>
        S: 250 2.1.5 …
        C: DATA
        S: 354 …
        C: Subject: grün
        C: .
        S: 250 …
        """,
        account=account.login,
    )
    [octets] = inbox(account)
    assert octets.startswith(b"Return-Path: <absender@xn--bcher-kva.test>\r\n")
    assert b"with UTF8SMTP id" in octets
    assert "Subject: grün".encode() in octets
