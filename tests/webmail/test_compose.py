"""Writing and sending; and that no error costs anybody their text."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from delivery.models import QueuedMessage, QueuedRecipient
from domains.aliases import set_alias
from mailboxes.accounts import change_account
from mailboxes.models import Account, Message
from mailboxes.store.fetch import fetch_octets
from mailboxes.store.values import Flag
from mailhost.protocols.addresses import EmailAddress
from mailhost.webmail.pages import compose as compose_page
from tests.support.hosting import new_account
from tests.webmail.conftest import Deliver
from tests.webmail.mail import LETTER, mailbox_id

TEXT = "Dear Bob,\nnothing of this may be lost: \N{SNOWMAN}\n\n-- \nA."


def latest(account: Account, mailbox: str = "INBOX") -> EmailMessage:
    """The newest message of a mailbox, parsed by Python's own parser."""
    where = mailbox_id(account, mailbox)
    uid = Message.objects.filter(mailbox_id=where).order_by("-uid").values_list("uid", flat=True)[0]
    [(_, octets)] = fetch_octets(mailbox_id=where, uids=[uid])
    found = message_from_bytes(octets, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def count(account: Account, mailbox: str) -> int:
    return Message.objects.filter(mailbox_id=mailbox_id(account, mailbox)).count()


def write(client: Client, where: str = "/mail/new/", **words: Any) -> Any:
    return client.post(where, {"subject": "Hello", "text": TEXT, "send": "1"} | words)


def test_a_message_reaches_an_account_here_and_stays_in_sent(signed_in: Client, alice: Account) -> None:
    change_account(account_id=alice.pk, display_name="Alice, née Müller", by="test")
    bob = new_account("bob")
    answer = write(signed_in, to=f"Bob <{bob.login}>", subject="Grüße")
    assert answer.status_code == 302
    for message in (latest(bob), latest(alice, "Sent")):
        assert message["From"] == f'"Alice, née Müller" <{alice.login}>'
        assert message["To"] == f"Bob <{bob.login}>"
        assert message["Subject"] == "Grüße"
        assert message["Date"]
        assert message["Message-ID"]
        assert message.get_content().splitlines() == TEXT.splitlines()
    sent = Message.objects.get(mailbox_id=mailbox_id(alice, "Sent"))
    assert Flag(sent.flags) == Flag.SEEN


def test_recipients_elsewhere_are_queued_and_blind_copies_stand_nowhere(
    signed_in: Client, alice: Account
) -> None:
    bob = new_account("bob")
    write(signed_in, to="x@elsewhere.test; Y <y@elsewhere.test>", cc="x@elsewhere.test", bcc=bob.login)
    recipients = QueuedRecipient.objects.filter(message__account=alice)
    assert sorted(recipients.values_list("forward_path", flat=True)) == [
        "x@elsewhere.test",
        "y@elsewhere.test",
    ]
    queued = QueuedMessage.objects.get(account=alice)
    assert (queued.reverse_path, queued.account_id) == (alice.login, alice.pk)
    assert "Bcc" not in latest(bob)
    assert bob.login not in latest(bob).as_string()
    assert count(bob, "INBOX") == 1


def test_files_travel_along(signed_in: Client, alice: Account) -> None:
    files = [
        SimpleUploadedFile("Fahrplan Süd.pdf", b"%PDF\x00\xff", content_type="application/pdf"),
        SimpleUploadedFile("empty.txt", b"", content_type="text/plain"),
    ]
    assert write(signed_in, to=alice.login, uploads=files).status_code == 302
    parts = list(latest(alice).iter_attachments())
    assert [part.get_filename() for part in parts] == ["Fahrplan Süd.pdf", "empty.txt"]
    assert parts[0].get_content() == b"%PDF\x00\xff"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"to": ""}, "Say who it goes to."),
        ({"to": "not an address"}, "is not an address"),
        ({"to": "Bob <bob@>"}, "is not an address"),
        ({"to": "ok@elsewhere.test", "cc": "@@"}, "is not an address"),
        ({"to": "nobody@{domain}"}, "There is no address nobody@{domain} here."),
        ({"to": ", ".join(f"r{number}@elsewhere.test" for number in range(501))}, "at most 500 recipients"),
    ],
)
def test_what_cannot_be_sent_is_told_and_the_text_stays(
    signed_in: Client, alice: Account, words: dict[str, str], said: str
) -> None:
    assert alice.address is not None
    domain = alice.address.domain.name
    answer = write(signed_in, **{name: value.format(domain=domain) for name, value in words.items()})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert said.format(domain=domain) in page
    assert "nothing of this may be lost: \N{SNOWMAN}" in page
    assert 'value="Hello"' in page
    assert count(alice, "Sent") == 0


def test_every_wrong_recipient_is_named_at_once(signed_in: Client, alice: Account) -> None:
    assert alice.address is not None
    domain, bob = alice.address.domain.name, new_account("bob", quota_octets=10)
    carol = new_account("carol")
    change_account(account_id=carol.pk, is_enabled=False, by="test")
    page = write(signed_in, to=f"a@{domain}, b@{domain}, {bob.login}, {carol.login}").content.decode()
    for said in (
        f"a@{domain} here",
        f"b@{domain} here",
        f"{bob.login} is full",
        f"{carol.login} takes no mail",
    ):
        assert said in page


def test_a_full_account_keeps_its_text_and_hears_why(
    signed_in: Client, alice: Account, deliver: Deliver
) -> None:
    deliver(alice)
    change_account(account_id=alice.pk, quota_octets=1, by="test")
    answer = write(signed_in, to="x@elsewhere.test")
    assert "Your mailbox is full" in answer.content.decode()
    assert "may be lost" in answer.content.decode()
    assert not QueuedMessage.objects.filter(account=alice).exists()
    assert "Your mailbox is full" in write(signed_in, save="1", to="x@elsewhere.test").content.decode()


def test_a_database_that_goes_away_while_sending_costs_no_text(
    signed_in: Client, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("the connection is closed")

    monkeypatch.setattr(compose_page, "send", away)
    answer = write(signed_in, to=alice.login)
    assert answer.status_code == 503
    assert "The database is away" in answer.content.decode()
    assert "may be lost" in answer.content.decode()


def test_files_that_are_too_large_are_refused_before_they_are_sent(
    signed_in: Client, alice: Account, settings: Settings
) -> None:
    settings.MAX_MESSAGE_OCTETS = 100_000
    file = SimpleUploadedFile("large.bin", b"x" * 90_000)
    answer = write(signed_in, to=alice.login, uploads=[file])
    assert answer.status_code == 422
    assert "These files are too large" in answer.content.decode()
    assert "Choose your files again" in answer.content.decode()


def test_an_alias_of_many_reaches_each_once(signed_in: Client, alice: Account) -> None:
    assert alice.address is not None
    domain = alice.address.domain.name
    bob = new_account("bob", domain=domain)
    targets = [EmailAddress.parse(text) for text in (alice.login, bob.login, "x@elsewhere.test")]
    set_alias(address=EmailAddress("all", domain), targets=targets, by="test")
    write(signed_in, to=f"all@{domain}, {bob.login}")
    assert (count(alice, "INBOX"), count(bob, "INBOX")) == (1, 1)
    assert QueuedRecipient.objects.filter(message__account=alice).count() == 1


def test_header_fields_cannot_be_smuggled_in(signed_in: Client, alice: Account) -> None:
    write(signed_in, to=alice.login, subject="x\r\nBcc: eve@evil.test")
    message = latest(alice)
    assert "Bcc" not in message
    assert not QueuedRecipient.objects.filter(message__account=alice).exists()


ASKED = LETTER.replace(
    b"To: alice@example.test\r\n", b"To: %b, Carol <carol@elsewhere.test>\r\nCc: dave@elsewhere.test\r\n"
).replace(b"Message-ID", b"References: <first@elsewhere.test>\r\nMessage-ID")


def begun(client: Client, account: Account, uid: int, mode: str, mailbox: str = "INBOX") -> dict[str, str]:
    page = client.get(f"/mail/{mailbox_id(account, mailbox)}/{uid}/{mode}/")
    return {name: str(page.context["form"][name].value()) for name in ("to", "cc", "subject", "text")}


def test_a_link_to_write_fills_in_the_recipient(signed_in: Client) -> None:
    assert b'value="x@y.test"' in signed_in.get("/mail/new/?to=x@y.test").content
