"""Postfix brings us mail: STARTTLS, PIPELINING, SIZE, 8BITMIME, SMTPUTF8, DSN, refusals one by one, a second try."""

import os
import re
from collections.abc import Iterator

import pytest

from tests.interop.mail_host import ALICE, BOB, MailHost
from tests.interop.postfix import Postfix, started
from tests.support.needs import needs_program

pytestmark = [
    needs_program("postfix", package="postfix"),
    pytest.mark.skipif(os.geteuid() != 0, reason="Postfix is started by root only"),
]

BIG_OCTETS = 20_000_000
RECIPIENTS = 120


@pytest.fixture(scope="module")
def postfix(mail_host: MailHost) -> Iterator[Postfix]:
    with started(port=mail_host.host.ports["smtp"], ca=mail_host.ca) as peer:
        yield peer


def letter(
    subject: str, *, to: str = ALICE, sender: str = "carol@sender.test", text: str = "Hello\n"
) -> bytes:
    head = f"From: {sender}\nTo: {to}\nSubject: {subject}\nMIME-Version: 1.0\n"
    return (
        f"{head}Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{text}".encode()
    )


def test_a_message_under_tls_that_both_verify(postfix: Postfix, mail_host: MailHost) -> None:
    postfix.send(letter("postfix first", text="Grüße\n.\n..\n.end\nFrom here\n"), ALICE)
    octets = mail_host.wait_for(ALICE, "postfix first")
    assert octets.endswith("\r\n\r\nGrüße\r\n.\r\n..\r\n.end\r\nFrom here\r\n".encode())
    assert b"by localhost with ESMTPS id" in octets
    assert b"dmarc=pass header.from=sender.test" in octets
    postfix.wait_for("Verified TLS connection established")
    said = postfix.said()
    assert " SIZE=" in said
    assert " BODY=8BITMIME" in said


def test_addresses_in_utf_8(postfix: Postfix, mail_host: MailHost) -> None:
    mail_host.host.manage("add_account", "jürgen@example.test", "--password-stdin", given="correct horse\n")
    subject = "Überraschung aus Köln"
    postfix.send(letter(subject, to="jürgen@example.test", sender="käthe@sender.test"), "jürgen@example.test",
                 sender="käthe@sender.test")  # fmt: skip
    postfix.wait_for(r"to=<jürgen@example\.test>.*status=sent \(250 2\.0\.0")
    assert "SMTPUTF8" in postfix.said()


def test_a_big_message(postfix: Postfix, mail_host: MailHost) -> None:
    text = ("x" * 76 + "\n") * (BIG_OCTETS // 77)
    postfix.send(letter("postfix big", text=text), ALICE, BOB)
    for login in (ALICE, BOB):
        assert len(mail_host.wait_for(login, "postfix big")) > BIG_OCTETS


def test_many_recipients_of_whom_some_are_refused(postfix: Postfix, mail_host: MailHost) -> None:
    """One transaction, one copy; the sender is told by Postfix about each one that is not."""
    taken = [f"{ALICE.replace('@', f'+{number}@')}" for number in range(RECIPIENTS)]
    refused = ["nobody1@example.test", "nobody2@example.test", "someone@elsewhere.test"]
    postfix.send(letter("postfix many"), *taken, *refused)
    assert len(postfix.wait_for(r"\+\d+@example\.test>.*status=sent", count=RECIPIENTS)) == RECIPIENTS
    postfix.wait_for(r"to=<nobody1@example\.test>.*dsn=5\.1\.1, status=bounced")
    postfix.wait_for(r"to=<someone@elsewhere\.test>.*dsn=5\.7\.1, status=bounced")
    assert mail_host.count(ALICE, "postfix many") == 1


def test_a_message_that_nothing_vouches_for_comes_a_second_time(
    postfix: Postfix, mail_host: MailHost
) -> None:
    letters = letter("postfix greylisted", sender="x@nobody.test")
    postfix.send(letters, "alice+grey@example.test", sender="x@nobody.test")
    postfix.wait_for(r"to=<alice\+grey@example\.test>.*dsn=4\.7\.1, status=deferred .*Greylisted")
    assert mail_host.count(ALICE, "postfix greylisted") == 0
    postfix.wait_for(r"to=<alice\+grey@example\.test>.*status=sent", between=postfix.flush)
    assert mail_host.count(ALICE, "postfix greylisted") == 1


def test_a_forgery_bounces_at_the_sender(postfix: Postfix, mail_host: MailHost) -> None:
    postfix.send(letter("postfix forged", sender="ceo@forged.test"), ALICE, sender="ceo@forged.test")
    postfix.wait_for(r"to=<alice@example\.test>.*dsn=5\.7\.26, status=bounced")
    assert mail_host.count(ALICE, "postfix forged") == 0


def test_what_is_asked_for_about_delivery_is_handed_on(postfix: Postfix, mail_host: MailHost) -> None:
    postfix.send(
        letter("postfix dsn"), BOB, words=["-N", "success,delay,failure", "-R", "hdrs", "-V", "id=1+1"]
    )
    mail_host.wait_for(BOB, "postfix dsn")
    said = postfix.said()
    assert re.search(r"> .*MAIL FROM:<carol@sender\.test> .*ENVID=id\+3D1\+2B1 RET=HDRS", said)
    assert re.search(
        r"> .*RCPT TO:<bob@example\.test> ORCPT=rfc822;bob@example\.test NOTIFY=SUCCESS,FAILURE,DELAY", said
    )
