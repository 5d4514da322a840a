"""Whose word puts an address on a suppression list: nobody's who only knows what every recipient knows."""

import pytest
from pytest_django import Settings

from delivery.models import QueuedRecipient, ReturnedMail, Suppression
from delivery.returns.reading import read_returned
from delivery.returns.vouching import NOBODY, author_of
from mailboxes.models import Account
from tests.delivery.returns.test_reading import RCPT, read_so_far, send
from tests.support.hosting import new_account
from tests.support.queueing import NOON
from tests.support.returning import bring, complaint, failed, notice

__all__ = ["read_so_far"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(settings: Settings) -> Account:
    settings.SUPPRESS_AFTER, settings.SUPPRESS_DAYS, settings.SUPPRESS_COMPLAINT_DAYS = 1, 30, 365
    return new_account("alice")


def suppressed() -> list[str]:
    assert read_returned(now=NOON) == 1
    assert ReturnedMail.objects.filter(is_proven=False).count() == 1  # it is noted all the same
    return list(Suppression.objects.filter(since__isnull=False).values_list("address", flat=True))


def by(author: str, octets: bytes) -> bytes:
    """The same, written by somebody else."""
    for usual in (b"MAILER-DAEMON@far.test", b"fbl@far.test"):
        octets = octets.replace(b"From: " + usual, b"From: " + author.encode())
    return octets


@pytest.mark.parametrize(
    ("author", "is_authentic"),
    [
        ("MAILER-DAEMON@far.test", False),  # a stranger who has read the message in an archive
        ("MAILER-DAEMON@evil.test", True),
        ("carol@far.test", True),  # who has got it as well
        ("MAILER-DAEMON@far.test, MAILER-DAEMON@evil.test", True),
        ("MAILER-DAEMON@far.test\r\nFrom: eve@far.test", True),
    ],
)
def test_a_notice_that_anybody_may_have_written_suppresses_nothing(
    author: str, is_authentic: bool, alice: Account
) -> None:
    send(alice, "bob@far.test", "carol@far.test")
    bring(alice, by(author, notice(failed("bob@far.test"))), is_authentic=is_authentic)
    assert suppressed() == []


@pytest.mark.parametrize("author", ["MAILER-DAEMON@far.test", "postmaster@bounces.far.test"])
def test_a_notice_of_the_mail_system_that_takes_the_recipients_mail_does(author: str, alice: Account) -> None:
    send(alice, "bob@far.test", "carol@far.test")
    bring(alice, by(author, notice(failed("bob@far.test"))), is_authentic=True)
    assert suppressed() == ["bob@far.test"]


def test_so_does_one_of_the_host_that_took_it(alice: Account) -> None:
    send(alice, "bob@far.test")
    QueuedRecipient.objects.update(last_host="mx1.provider.test")
    bring(alice, by("mailer-daemon@provider.test", notice(failed("bob@far.test"))), is_authentic=True)
    assert suppressed() == ["bob@far.test"]


@pytest.mark.parametrize(
    ("author", "recipients"),
    [
        ("eve@evil.test", ["bob@far.test"]),  # DMARC passes for everybody's own domain
        ("carol@far.test", ["bob@far.test", "carol@far.test"]),
    ],
)
def test_a_complaint_that_others_may_have_made_suppresses_nothing(
    author: str, recipients: list[str], alice: Account
) -> None:
    send(alice, *recipients)
    bring(new_account("abuse"), by(author, complaint(RCPT)), reverse_path=author, is_authentic=True)
    assert suppressed() == []


def test_a_complaint_of_whoever_takes_the_only_recipients_mail_does(alice: Account) -> None:
    send(alice, "bob@far.test")
    bring(new_account("abuse"), complaint(RCPT), reverse_path="fbl@far.test", is_authentic=True)
    assert suppressed() == ["bob@far.test"]


@pytest.mark.parametrize(
    "octets", [b"", b"From: \xff\r\n\r\n", b"\r\nFrom: a@b.test", b"From: a@b.test, c@d.test\n"]
)
def test_what_has_no_one_author_has_none(octets: bytes) -> None:
    assert author_of(octets) == NOBODY
