"""What people's programs do, with the clients of Python's standard library."""

import imaplib
import poplib
import smtplib
import time
from email.message import EmailMessage
from email.utils import make_msgid

from tests.journeys.conftest import World

ALICE, BOB = "alice@example.test", "bob@example.test"


def letter(*, sender: str, to: str, subject: str, text: str = "Hello\n") -> EmailMessage:
    """A message without a Date, which submission adds."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Message-ID"] = make_msgid(domain=sender.partition("@")[2])
    message.set_content(text)
    return message


def hand_in(world: World, message: EmailMessage, *, to: str) -> None:
    """As another server does, on port 25."""
    with smtplib.SMTP("127.0.0.1", world.host.ports["smtp"], timeout=30) as client:
        client.starttls(context=world.tls())
        client.send_message(message, message["From"], [to])


def submit(world: World, message: EmailMessage, *, login: str) -> None:
    """As a mail client does, on the submission port."""
    with smtplib.SMTP("localhost", world.host.ports["submission"], timeout=30) as client:
        client.starttls(context=world.tls())
        client.login(login, world.host.password(login))
        client.send_message(message)


def imap(world: World, login: str) -> imaplib.IMAP4:
    """Signed in, over TLS."""
    client = imaplib.IMAP4_SSL("localhost", world.host.ports["imaps"], ssl_context=world.tls(), timeout=30)
    client.login(login, world.host.password(login))
    return client


def fetch_by_imap(world: World, login: str, subject: str) -> bytes:
    """The octets of the one message in INBOX with this subject, once it is there."""
    return find_by_imap(world, login, "SUBJECT", f'"{subject}"')


def find_by_imap(world: World, login: str, *key: str, seconds: float = 60) -> bytes:
    """The octets of the one message in INBOX that this search key finds, once it is there."""
    deadline = time.monotonic() + seconds
    client = imap(world, login)
    try:
        client.select()
        while not (found := client.search(None, *key)[1][0].split()):
            assert time.monotonic() < deadline, f"no message with {key} came for {login}"
            client.noop()
        assert len(found) == 1, f"{len(found)} messages with {key}"
        fetched = client.fetch(found[0].decode(), "(BODY.PEEK[])")[1]
        assert isinstance(fetched[0], tuple)
        return fetched[0][1]
    finally:
        client.logout()


def fetch_by_pop3(world: World, login: str, subject: str) -> bytes:
    """The same by POP3."""
    client = poplib.POP3_SSL("localhost", world.host.ports["pop3s"], context=world.tls(), timeout=30)
    try:
        client.user(login)
        client.pass_(world.host.password(login))
        for number in range(1, client.stat()[0] + 1):
            octets = b"".join(line + b"\r\n" for line in client.retr(number)[1])
            if f"Subject: {subject}".encode() in octets:
                return octets
        raise AssertionError(f"no message about {subject!r}")
    finally:
        client.quit()
