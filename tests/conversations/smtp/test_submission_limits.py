"""Submission over its limits, and of a hijacked account (RFC 6409 section 4: a site may refuse by policy)."""

import pytest
from pytest_django.fixtures import Settings

from delivery.models import Quarantined, QueuedRecipient
from delivery.submission.holds import hold_sending
from mailboxes.models import Account, Message
from tests.conversations.smtp.listening import Doors
from tests.conversations.smtp.test_submission import send
from tests.support.hosting import new_account


@pytest.fixture
def alice(smtp: Doors) -> Account:
    return new_account("alice")


def test_over_the_limit_a_client_is_to_try_again_later(
    smtp: Doors, alice: Account, settings: Settings
) -> None:
    """RFC 5321 section 4.2.1: 4yz, so nothing is lost; RFC 3463 section 3.8: X.7.1."""
    settings.ACCOUNT_MESSAGES_PER_DAY = 1
    sender = f"From: {alice.login}"
    send(smtp, alice, sender, reply="250 2.0.0 …")
    send(
        smtp,
        alice,
        sender,
        reply="450 4.7.1 This account has sent to its limit of 1 messages per day; try again after … UTC",
    )


def test_mail_of_a_hijacked_account_is_taken_and_held(smtp: Doors, alice: Account) -> None:
    bob = new_account("bob")
    hold_sending(account_id=alice.pk, reason="It looks hijacked.", by="test", now=smtp.host.clock())
    send(smtp, alice, f"From: {alice.login}", reply="250 2.0.0 …", recipient="x@far.example")
    send(smtp, alice, f"From: {alice.login}", reply="250 2.0.0 …", recipient=bob.login)
    assert QueuedRecipient.objects.get(message__account=alice).state == "held"
    assert not Message.objects.filter(mailbox__account=bob).exists()
    assert Quarantined.objects.filter(account=bob).count() == 1
