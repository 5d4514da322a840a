"""Submission (RFC 6409) against real listeners: our accounts, under their own names, to anywhere."""

import base64
from functools import partial

import pytest
from pytest_django.fixtures import Settings

from delivery.models import QueuedRecipient
from domains.aliases import set_alias
from mailboxes.accounts import change_account
from mailboxes.models import Account, Grant, Mailbox
from mailhost.protocols.addresses import EmailAddress
from tests.conversations.smtp.listening import Doors
from tests.conversations.smtp.reading import inbox
from tests.support.hosting import PASSWORD, new_account
from tests.support.transcript import converse

SIGNED_IN = """
S: 220 …
C: EHLO client.test
S~ 250 HELP
C: AUTH PLAIN {plain}
S: 235 2.7.0 Authentication succeeded
"""


def plain(login: str, password: str = PASSWORD, authzid: str = "") -> str:
    return base64.b64encode(f"{authzid}\0{login}\0{password}".encode()).decode()


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def alice(smtp: Doors) -> Account:
    return new_account("alice")


def submit(
    smtp: Doors, account: Account, script: str, *, domain: str = "", recipient: str = ""
) -> dict[str, str]:
    return converse(
        smtp.ports.submissions,
        SIGNED_IN + script,
        tls=True,
        plain=plain(account.login),
        me=account.login,
        domain=domain,
        recipient=recipient,
    )


def send(smtp: Doors, account: Account, *header: str, reply: str, recipient: str = "") -> None:
    lines = "".join(f"C: {line}\n" for line in header)
    submit(
        smtp,
        account,
        "C: MAIL FROM:<{me}>\nS: 250 …\nC: RCPT TO:<{recipient}>\nS: 250 …\nC: DATA\nS: 354 …\n"
        + lines
        + "C: \nC: text\nC: .\nS: "
        + reply,
        recipient=recipient or account.login,
    )


def test_starttls_then_auth(smtp: Doors, alice: Account) -> None:
    converse(
        smtp.ports.submission,
        """
        S: 220 mx.example.test ESMTP
        C: EHLO client.test
        S~ 250-STARTTLS
        S: 250 HELP
        C: AUTH PLAIN
        S: 538 5.7.11 …
        C: MAIL FROM:<{me}>
        S: 530 5.7.0 Must issue a STARTTLS command first
        C: STARTTLS
        S: 220 2.0.0 Ready to start TLS
        =: TLS
        C: MAIL FROM:<{me}>
        S: 503 5.5.1 Send EHLO first
        C: EHLO client.test
        S~ 250-AUTH SCRAM-SHA-256 PLAIN LOGIN
        S: 250-FUTURERELEASE 2592000 …
        S: 250 HELP
        C: STARTTLS
        S: 503 5.5.1 TLS is active already
        C: MAIL FROM:<{me}>
        S: 530 5.7.0 Authentication required
        C: AUTH PLAIN
        S: 334 …
        C: {plain}
        S: 235 2.7.0 …
        C: AUTH PLAIN {plain}
        S: 503 5.5.1 …
        C: MAIL FROM:<{me}>
        S: 250 2.1.0 …
        C: AUTH PLAIN {plain}
        S: 503 5.5.1 …
        """,
        me=alice.login,
        plain=plain(alice.login),
    )


def test_auth_login(smtp: Doors, alice: Account) -> None:
    converse(
        smtp.ports.submissions,
        """
        S: 220 …
        C: EHLO client.test
        S~ 250 HELP
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: {login}
        S: 334 UGFzc3dvcmQ6
        C: {password}
        S: 235 2.7.0 …
        """,
        tls=True,
        login=encoded(alice.login),
        password=encoded(PASSWORD),
    )


def test_auth_that_makes_no_sense(smtp: Doors, alice: Account) -> None:
    converse(
        smtp.ports.submissions,
        """
        S: 220 …
        C: AUTH PLAIN
        S: 503 5.5.1 …
        C: EHLO client.test
        S~ 250 HELP
        C: AUTH
        S: 504 5.5.4 …
        C: AUTH CRAM-MD5
        S: 504 5.5.4 …
        C: AUTH PLAIN !!!
        S: 501 5.5.2 …
        C: AUTH PLAIN =
        S: 501 5.5.2 …
        C: AUTH LOGIN
        S: 334 …
        C: *
        S: 501 5.7.0 …
        C: AUTH PLAIN {other}
        S: 535 5.7.8 …
        C: NOOP
        S: 250 …
        """,
        tls=True,
        other=plain(alice.login, authzid="bob@example.test"),
    )


def test_wrong_passwords_end_the_session(smtp: Doors, alice: Account) -> None:
    converse(
        smtp.ports.submissions,
        """
        S: 220 …
        C: EHLO client.test
        S~ 250 HELP
        C: AUTH PLAIN {wrong}
        S: 535 5.7.8 …
        C: AUTH PLAIN {wrong}
        S: 535 5.7.8 …
        C: AUTH PLAIN {wrong}
        S: 421 4.7.0 …
        S!
        """,
        tls=True,
        wrong=plain(alice.login, "wrong"),
    )


def test_auth_is_not_for_port_25(smtp: Doors, alice: Account) -> None:
    converse(
        smtp.ports.smtp,
        "S: 220 …\nC: EHLO a\nS~ 250 HELP\nC: AUTH PLAIN {plain}\nS: 502 5.5.1 …",
        plain=plain(alice.login),
    )


def test_local_recipients_get_it_and_others_are_queued(smtp: Doors, alice: Account) -> None:
    domain = alice.login.partition("@")[2]
    bob = new_account("bob", domain=domain)
    submit(
        smtp,
        alice,
        """
        C: MAIL FROM:<{me}>
        S: 250 …
        C: RCPT TO:<bob@{domain}>
        S: 250 2.1.5 …
        C: RCPT TO:<nobody@{domain}>
        S: 550 5.1.1 …
        C: RCPT TO:<carol@not-{domain}>
        S: 250 2.1.5 …
        C: DATA
        S: 354 …
        C: From: Alice <{me}>
        C: Bcc: carol@not-{domain},
        C:  dave@not-{domain}
        C: Subject: hello
        C:
        C: Bcc: this is text
        C: .
        S: 250 2.0.0 …
        """,
        domain=domain,
    )
    [octets] = inbox(bob)
    header, _, text = octets.partition(b"\r\n\r\n")
    assert text == b"Bcc: this is text\r\n"
    names = [line.partition(b":")[0] for line in header.split(b"\r\n") if line[:1] not in {b"\t", b" "}]
    assert names == [b"Return-Path", b"Received", b"Date", b"Message-ID", b"From", b"Subject"]
    assert b" with ESMTPSA id " in header
    assert b"\ttls TLS_" in header
    [queued] = QueuedRecipient.objects.filter(forward_path__endswith=f"@not-{domain}")
    assert queued.forward_path == f"carol@not-{domain}"
    assert queued.message.reverse_path == alice.login
    assert queued.message.account_id == alice.pk


def test_fields_that_are_there_are_kept(smtp: Doors, alice: Account) -> None:
    date, message_id = "Date: Thu, 1 Jan 1970 00:00:00 +0000", "Message-ID: <a@b.test>"
    send(smtp, alice, f"From: {alice.login}", date, message_id, reply="250 2.0.0 …")
    [octets] = inbox(alice)
    assert octets.endswith(f"\r\nFrom: {alice.login}\r\n{date}\r\n{message_id}\r\n\r\ntext\r\n".encode())
    assert octets.count(b"Date:") == octets.count(b"Message-ID:") == 1


def test_mail_from_must_be_the_accounts_own(smtp: Doors, alice: Account) -> None:
    domain = alice.login.partition("@")[2]
    new_account("bob", domain=domain)
    own, others = EmailAddress.parse(f"sales@{domain}"), EmailAddress.parse(f"others@{domain}")
    set_alias(address=own, targets=[EmailAddress.parse(alice.login)], by="test")
    set_alias(address=others, targets=[EmailAddress.parse(f"bob@{domain}")], by="test")
    submit(
        smtp,
        alice,
        """
        C: MAIL FROM:<bob@{domain}>
        S: 553 5.7.1 …
        C: MAIL FROM:<others@{domain}>
        S: 553 5.7.1 …
        C: MAIL FROM:<nobody@{domain}>
        S: 553 5.7.1 …
        C: MAIL FROM:<alice@elsewhere.test>
        S: 553 5.7.1 …
        C: MAIL FROM:<ALICE@{domain}>
        S: 250 …
        C: RSET
        S: 250 …
        C: MAIL FROM:<alice+shop@{domain}>
        S: 250 …
        C: RSET
        S: 250 …
        C: MAIL FROM:<sales@{domain}>
        S: 250 …
        """,
        domain=domain,
    )


def test_the_null_reverse_path_is_for_mdns(smtp: Doors, alice: Account) -> None:
    submit(
        smtp,
        alice,
        "C: MAIL FROM:<>\nS: 250 …\nC: RCPT TO:<{me}>\nS: 250 …\nC: DATA\nS: 354 …\n"
        "C: From: bob@elsewhere.test\nC: \nC: .\nS: 550 5.7.1 …",
    )


@pytest.mark.parametrize(
    "header",
    [
        ["Subject: no From"],
        ["From: bob@{domain}"],
        ["From: {me}", "From: {me}"],
        ["From: {me}, bob@{domain}"],
        ["From: <{me}> <bob@{domain}>"],
        ["From: bob@{domain} <{me}>"],
        ["From:"],
        ["From: {me}", "Sender: bob@{domain}"],
        ["From: {me}", "Sender: {me}", "Sender: {me}"],
        ["Subject: x", "", "From: {me}"],
    ],
)
def test_from_and_sender_must_be_the_accounts_own(smtp: Doors, alice: Account, header: list[str]) -> None:
    domain = alice.login.partition("@")[2]
    lines = [line.replace("{me}", alice.login).replace("{domain}", domain) for line in header]
    send(smtp, alice, *lines, reply="550 5.7.1 …")
    assert inbox(alice) == []


def test_a_header_that_hides_a_from_is_refused(smtp: Doors, alice: Account) -> None:
    send(smtp, alice, "From me at noon", f"From: {alice.login}", reply="554 5.6.0 …")
    send(smtp, alice, "Subject: x", "stray line", f"From: {alice.login}", reply="554 5.6.0 …")
    assert inbox(alice) == []


def test_an_alias_may_stand_in_from(smtp: Doors, alice: Account) -> None:
    domain = alice.login.partition("@")[2]
    set_alias(
        address=EmailAddress.parse(f"sales@{domain}"), targets=[EmailAddress.parse(alice.login)], by="test"
    )
    send(
        smtp,
        alice,
        f'From: "Sales, {domain}" <sales@{domain}>',
        f"Sender: {alice.login}",
        reply="250 2.0.0 …",
    )


def test_who_has_the_right_to_post_on_an_inbox_sends_in_its_name(smtp: Doors, alice: Account) -> None:
    """RFC 4314 section 2.1: "p"; everybody's rights lend nobody a name."""
    shared = new_account("sales")
    give = partial(give_rights, shared)
    give(alice.login, "lrs")
    give("anyone", "p")
    send(smtp, alice, f"From: {shared.login}", reply="550 5.7.1 …")
    give(alice.login, "lrsp")
    send(smtp, alice, f"From: {shared.login}", f"Sender: {alice.login}", reply="250 2.0.0 …")
    submit(smtp, alice, "C: MAIL FROM:<{domain}>\nS: 250 …", domain=shared.login)
    [octets] = inbox(alice)
    assert f"\r\nFrom: {shared.login}\r\n".encode() in octets
    give(alice.login, "lrswitea")
    send(smtp, alice, f"From: {shared.login}", reply="550 5.7.1 …")
    send(smtp, alice, f"From: {alice.login}", f"Sender: {shared.login}", reply="550 5.7.1 …")
    submit(smtp, alice, "C: MAIL FROM:<{domain}>\nS: 553 5.7.1 …", domain=shared.login)
    give(alice.login, "p")
    submit(smtp, alice, "C: MAIL FROM:<{domain}>\nS: 250 …", domain=shared.login)
    change_account(account_id=shared.pk, is_enabled=False, by="test")
    submit(smtp, alice, "C: MAIL FROM:<{domain}>\nS: 553 5.7.1 …", domain=shared.login)


def give_rights(owner: Account, identifier: str, rights: str) -> None:
    inbox_id = Mailbox.objects.get(account=owner, name="INBOX", deleted_at=None).pk
    grantee = Account.objects.filter(login=identifier).first()
    Grant.objects.update_or_create(mailbox_id=inbox_id, account=grantee, defaults={"rights": rights})


def test_an_account_that_is_disabled_meanwhile_sends_no_more(smtp: Doors, alice: Account) -> None:
    def disable() -> None:
        change_account(account_id=alice.pk, is_enabled=False, by="test")

    from tests.support.transcript import Conversation

    with Conversation(smtp.ports.submissions, tls=True, words={"plain": plain(alice.login)}) as conversation:
        conversation.follow(SIGNED_IN)
        disable()
        conversation.follow(f"C: MAIL FROM:<{alice.login}>\nS: 553 5.7.1 …\n")


def test_auth_without_tls_only_on_loopback_where_allowed(
    smtp: Doors, alice: Account, settings: Settings
) -> None:
    settings.ALLOW_PLAINTEXT_LOGIN = True
    converse(
        smtp.ports.submission,
        SIGNED_IN + "C: MAIL FROM:<{me}>\nS: 250 …",
        plain=plain(alice.login),
        me=alice.login,
    )
