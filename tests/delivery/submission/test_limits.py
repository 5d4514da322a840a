"""What accounts may send in an hour and a day, and what happens beyond it."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django.fixtures import Settings

from delivery.acceptance import Acceptance, accept_now
from delivery.known_recipients import forget_recipients, note_recipients
from delivery.models import KnownRecipient, QueuedRecipient, SendingHold
from delivery.submission.admission import Admitted, admit
from delivery.submission.holds import cancel_held, held_messages, lift_hold, release_held
from delivery.submission.limits import SubmissionLimitReached
from delivery.submission.setting_limits import set_limits
from mailboxes.accounts import add_account
from mailboxes.models import Account, Message
from mailhost.audit.models import Act
from mailhost.protocols.addresses import EmailAddress
from tests.support.hosting import PASSWORD, new_account, new_domain

NOW = datetime(2026, 11, 27, 10, 20, tzinfo=UTC)
OCTETS = b"From: a@b.example\r\nSubject: hello\r\n\r\ntext\r\n"


@pytest.fixture
def alice(db: None) -> Account:
    return new_account("alice")


def somebody(*names: str) -> list[EmailAddress]:
    return [EmailAddress(name, "far.example") for name in names]


def submit(account: Account, *names: str, peer: str = "192.0.2.1", now: datetime = NOW) -> Admitted:
    admitted = admit(account_id=account.pk, recipients=somebody(*names), peer=peer, now=now)
    accept_now(
        Acceptance(
            OCTETS,
            relay=tuple(somebody(*names)),
            reverse_path=account.login,
            submitted_by=account.pk,
            is_held=admitted.is_held,
            first_recipients=admitted.first_recipients,
        ),
        now=now,
    )
    return admitted


def test_messages_beyond_the_limit_of_an_hour_wait_for_the_next_one(
    alice: Account, settings: Settings
) -> None:
    settings.ACCOUNT_MESSAGES_PER_HOUR = 2
    submit(alice, "bob")
    submit(alice, "bob")
    with pytest.raises(
        SubmissionLimitReached, match=r"2 messages per hour; try again after 2026-11-27 11:00"
    ):
        submit(alice, "bob")
    submit(alice, "bob", now=NOW + timedelta(minutes=40))


def test_who_is_refused_does_not_move_the_limit_further_away(alice: Account, settings: Settings) -> None:
    settings.ACCOUNT_RECIPIENTS_PER_DAY = 3
    for _ in range(3):
        with pytest.raises(SubmissionLimitReached, match="3 recipients per day"):
            submit(alice, "a", "b", "c", "d")
    submit(alice, "a", "b", "c")


def test_a_recipient_is_new_once(alice: Account, settings: Settings) -> None:
    settings.ACCOUNT_FIRST_PER_HOUR = 2
    assert submit(alice, "a", "b").first_recipients == ("a@far.example", "b@far.example")
    assert submit(alice, "b", "a").first_recipients == ()
    with pytest.raises(SubmissionLimitReached, match="2 first-time recipients per hour"):
        submit(alice, "c")


def test_the_accounts_of_a_domain_share_its_limit(db: None, settings: Settings) -> None:
    domain = new_domain()
    alice, bob = new_account("alice", domain=domain), new_account("bob", domain=domain)
    settings.DOMAIN_MESSAGES_PER_DAY = 1
    submit(alice, "x")
    with pytest.raises(
        SubmissionLimitReached, match="This domain has sent to its limit of 1 messages per day"
    ):
        submit(bob, "x")


def test_an_account_has_limits_of_its_own(alice: Account, settings: Settings) -> None:
    settings.ACCOUNT_MESSAGES_PER_HOUR = 1
    set_limits(account_id=alice.pk, limits={"messages_per_hour": 2}, by="test")
    submit(alice, "x")
    submit(alice, "x")
    with pytest.raises(SubmissionLimitReached):
        submit(alice, "x")
    set_limits(account_id=alice.pk, limits={"messages_per_hour": 0}, by="test")
    submit(alice, "x")


def test_the_operators_have_one_mail_about_it(alice: Account, settings: Settings) -> None:
    operator = add_account(
        address=EmailAddress("root", new_domain()), password=PASSWORD, is_operator=True, by="test"
    )
    settings.ACCOUNT_MESSAGES_PER_HOUR = 1
    submit(alice, "x")
    for _ in range(3):
        with pytest.raises(SubmissionLimitReached):
            submit(alice, "x")
    [mail] = Message.objects.filter(mailbox__account=operator).select_related("content")
    assert mail.content.subject == f"{alice.login} has reached a sending limit"


def hijack(alice: Account, settings: Settings) -> Admitted:
    settings.HIJACK_FIRST_RECIPIENTS, settings.HIJACK_NETWORKS = 4, 3
    assert not submit(alice, "a", "b", peer="192.0.2.1").is_held
    assert not submit(alice, "c", "d", peer="198.51.100.1").is_held
    return submit(alice, "e", peer="2001:db8::1")


def test_an_account_that_looks_hijacked_has_its_mail_held(alice: Account, settings: Settings) -> None:
    settings.RELAY = "direct"
    assert hijack(alice, settings) == Admitted(is_held=True)
    assert "looks hijacked" in SendingHold.objects.get(account=alice).reason
    states = QueuedRecipient.objects.filter(message__account=alice).order_by("id")
    assert [each.state for each in states] == [*["queued"] * 4, "held"]
    # Whatever it sends from now on, from wherever; and nobody of these becomes known to it.
    assert submit(alice, "a", peer="192.0.2.1").is_held
    assert not KnownRecipient.objects.filter(account=alice, address="e@far.example").exists()
    assert Act.objects.filter(verb="sending held", subject=alice.login).count() == 1


def test_many_new_recipients_from_one_place_are_no_reason(alice: Account, settings: Settings) -> None:
    settings.HIJACK_FIRST_RECIPIENTS, settings.HIJACK_NETWORKS = 2, 2
    for name in "abcdef":
        assert not submit(alice, name, peer=f"192.0.2.{ord(name)}").is_held  # one /16


def test_the_operator_releases_what_was_held(alice: Account, settings: Settings) -> None:
    settings.RELAY = "direct"
    hijack(alice, settings)
    held = held_messages(account_id=alice.pk)
    later = NOW + timedelta(days=9)
    assert release_held(message_ids=held, by="root", now=later) == 1
    assert release_held(message_ids=held, by="root", now=later) == 0
    recipient = QueuedRecipient.objects.select_related("message", "destination").get(message_id__in=held)
    assert (recipient.state, recipient.next_attempt_at) == ("queued", later)
    assert recipient.message.expires_at > later
    assert recipient.destination.next_attempt_at is not None
    assert recipient.destination.next_attempt_at <= later
    assert lift_hold(account_id=alice.pk, by="root")
    assert not lift_hold(account_id=alice.pk, by="root")


def test_the_operator_cancels_what_was_held(alice: Account, settings: Settings) -> None:
    hijack(alice, settings)
    held = held_messages(account_id=alice.pk)
    assert cancel_held(message_ids=held, by="root", now=NOW) == 1
    assert held_messages(account_id=alice.pk) == []
    assert QueuedRecipient.objects.get(message_id__in=held).state == "cancelled"
    assert Act.objects.filter(verb="held message cancelled", subject=f"Q{held[0]}", actor="root").exists()


def test_the_oldest_known_recipients_are_forgotten(alice: Account, settings: Settings) -> None:
    settings.MAX_KNOWN_RECIPIENTS = 2
    for name in "abc":
        note_recipients([(alice.pk, f"{name}@far.example")])
    note_recipients([(alice.pk, "c@far.example"), (0, "nobody@far.example")])
    assert forget_recipients() == 1
    left = KnownRecipient.objects.filter(account=alice).order_by("id").values_list("address", flat=True)
    assert list(left) == ["b@far.example", "c@far.example"]
