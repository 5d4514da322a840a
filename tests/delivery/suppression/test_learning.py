"""Addresses that are gone, and people who complain, are sent nothing more; for a time, or until somebody lifts it."""

from datetime import datetime, timedelta
from random import Random

import pytest
from pytest_django import Settings

from delivery.acceptance import Acceptance, accept_now
from delivery.models import Destination, QueuedMessage, QueuedRecipient, ReturnedKind, Suppression
from delivery.queue.claim import due_parcels
from delivery.queue.destination_outcomes import bounce_waiting
from delivery.queue.outcomes import record
from delivery.queue.values import RecipientResult
from delivery.relay.outcome import Bounced, Deferred, Delivered, Outcome
from delivery.returned import note_returned
from delivery.suppression import suppressed_among
from delivery.suppression_lists import remove_expired, suppress
from mailboxes.accounts import remove_account
from mailboxes.models import Account
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.bounce_causes import Cause
from tests.support.hosting import new_account
from tests.support.queueing import MESSAGE, NOON, claim_all
from tests.webmail.conftest import Statements, statements

__all__ = ["statements"]

GONE = Bounced("5.1.1", "550 5.1.1 no such user")
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def relaying(settings: Settings, monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    settings.RELAY = "direct"
    settings.SUPPRESS_AFTER, settings.SUPPRESS_DAYS, settings.SUPPRESS_COMPLAINT_DAYS = 2, 30, 365
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
    QueuedMessage.objects.all().delete()  # what other tests have committed
    Destination.objects.all().delete()


@pytest.fixture
def alice() -> Account:
    return new_account("alice")


def submit(
    sender: Account | None, *relay: str, reverse_path: str | None = None, now: datetime = NOON
) -> None:
    acceptance = Acceptance(
        MESSAGE,
        relay=tuple(EmailAddress.parse(each) for each in relay),
        reverse_path=reverse_path if reverse_path is not None else sender.login if sender else "x@y.test",
        submitted_by=sender.pk if sender else None,
    )
    accept_now(acceptance, now=now)


def end(outcome: Outcome, *, now: datetime = NOON) -> None:
    for claim in claim_all(now=now, lease_seconds=0).values():
        results = [
            RecipientResult(parcel.message, each, outcome)
            for parcel in due_parcels(claim=claim, now=now, limit=1_000, except_ids=())
            for each in parcel.recipients
        ]
        record(results={claim: results}, now=now, random=Random(1))


def send(
    sender: Account | None, *relay: str, outcome: Outcome = GONE, now: datetime = NOON, **more: str
) -> None:
    submit(sender, *relay, now=now, **more)
    end(outcome, now=now)


def on_list(sender: Account, *addresses: str, now: datetime = NOON) -> list[str]:
    return sorted(suppressed_among(account_id=sender.pk, addresses=addresses, now=now))


def test_an_address_that_is_gone_is_suppressed_the_second_time(alice: Account) -> None:
    send(alice, "Bob@far.test")
    assert on_list(alice, "bob@far.test") == []
    send(alice, "bob@far.test", now=NOON + DAY)
    assert on_list(alice, "bob@far.test", "carol@far.test") == ["bob@far.test"]
    [row] = Suppression.objects.all()
    assert (row.count, row.cause, row.evidence) == (2, "no-such-user", "550 5.1.1 no such user")
    assert (row.first_at, row.last_at, row.since) == (NOON, NOON + DAY, NOON + DAY)
    assert row.expires_at == NOON + 31 * DAY
    assert on_list(new_account("eve"), "bob@far.test") == []


@pytest.mark.parametrize(
    "outcome",
    [
        Delivered("250 ok"),
        Deferred("4.1.1", "450 4.1.1 no such user yet"),
        Bounced("5.2.2", "552 5.2.2 mailbox full"),
        Bounced("5.7.1", "550 5.7.1 listed at zen.spamhaus.org"),
        Bounced("5.0.0", "550 go away"),
    ],
)
def test_nothing_else_counts(alice: Account, outcome: Outcome) -> None:
    for day in range(3):
        send(alice, f"bob@far{day}.test", outcome=outcome, now=NOON + day * DAY)
    assert not Suppression.objects.exists()


def test_nobodys_mail_teaches_nothing(alice: Account) -> None:
    """What is forwarded, notices, and what went to a postmaster."""
    for _ in range(2):
        send(None, "a@far.test")
        send(alice, "b@far.test", reverse_path="")
        send(alice, "postmaster@far.test")
    assert not Suppression.objects.exists()


def test_one_message_to_many_and_many_messages_to_one(alice: Account, statements: Statements) -> None:
    for _ in range(3):
        submit(alice, "a@far.test", "b@far.test")
    submit(alice, *(f"r{number}@far.test" for number in range(40)))
    with statements() as seen:
        end(GONE)
    assert sum("delivery_suppression" in each for each in seen) == 2  # of the accounts, and of their domains
    assert on_list(alice, "a@far.test", "b@far.test", "r1@far.test") == ["a@far.test", "b@far.test"]


def test_delivered_mail_costs_nothing(alice: Account, statements: Statements) -> None:
    submit(alice, "a@far.test")
    with statements() as seen:
        end(Delivered("250 ok"))
    assert not any("suppression" in each for each in seen)


def test_a_domain_that_is_none_suppresses_all_that_waited_for_it(alice: Account) -> None:
    for now in (NOON, NOON + DAY):
        submit(alice, "a@none.test", "b@none.test", now=now)
        claim = claim_all(now=now, lease_seconds=0)["none.test"]
        bounce_waiting(claim=claim, outcome=Bounced("5.1.2", "There is no such domain."), now=now)
    assert on_list(alice, "a@none.test", "b@none.test") == ["a@none.test", "b@none.test"]
    assert {row.count for row in Suppression.objects.all()} == {2}


@pytest.mark.parametrize("name", ["SUPPRESS_AFTER", "SUPPRESS_COMPLAINT_DAYS"])
def test_each_can_be_switched_off(alice: Account, settings: Settings, name: str) -> None:
    settings.SUPPRESS_AFTER = 1
    setattr(settings, name, 0)
    send(alice, "bob@far.test")
    come_back(alice, "carol@far.test", ReturnedKind.COMPLAINT)
    expected = {"SUPPRESS_AFTER": ["carol@far.test"], "SUPPRESS_COMPLAINT_DAYS": ["bob@far.test"]}
    assert on_list(alice, "bob@far.test", "carol@far.test") == expected[name]


def come_back(
    sender: Account, to: str, kind: ReturnedKind, cause: Cause | None = None, *, now: datetime = NOON
) -> None:
    send(sender, to, outcome=Delivered("250 ok"), now=now)
    recipient = QueuedRecipient.objects.order_by("-pk").values_list("pk", flat=True)[0]
    assert note_returned(
        kind=kind, recipient_id=recipient, cause=cause, diagnostic="their words", is_proven=True, now=now
    )


def test_a_complaint_is_enough_and_stays_longer(alice: Account) -> None:
    come_back(alice, "bob@far.test", ReturnedKind.COMPLAINT)
    assert on_list(alice, "bob@far.test", now=NOON + 364 * DAY) == ["bob@far.test"]
    assert on_list(alice, "bob@far.test", now=NOON + 365 * DAY) == []
    [found] = suppressed_among(account_id=alice.pk, addresses=["bob@far.test"], now=NOON).values()
    assert found.why == "bob@far.test complained about mail on 2026-03-01"


def test_a_complaint_outweighs_bounces_and_they_do_not_outweigh_it(alice: Account) -> None:
    send(alice, "bob@far.test")
    come_back(alice, "bob@far.test", ReturnedKind.COMPLAINT)
    send(alice, "bob@far.test")
    [row] = Suppression.objects.all()
    assert (row.source, row.evidence, row.count) == ("complaint", "their words", 3)
    assert row.expires_at == NOON + 365 * DAY


def test_what_comes_back_later_is_counted_like_what_comes_back_at_once(alice: Account) -> None:
    come_back(alice, "bob@far.test", ReturnedKind.BOUNCE, Cause.FULL)
    assert not Suppression.objects.exists()
    come_back(alice, "bob@far.test", ReturnedKind.BOUNCE, Cause.DISABLED)
    come_back(alice, "bob@far.test", ReturnedKind.BOUNCE, Cause.NO_SUCH_USER)
    assert on_list(alice, "bob@far.test") == ["bob@far.test"]


def test_time_passes_over_bounces(alice: Account) -> None:
    send(alice, "bob@far.test")
    send(alice, "bob@far.test", now=NOON + 30 * DAY)  # the first counts no more
    assert on_list(alice, "bob@far.test", now=NOON + 30 * DAY) == []
    assert remove_expired(now=NOON + 59 * DAY) == 0
    assert remove_expired(now=NOON + 60 * DAY) == 1


def test_what_was_put_there_by_hand_stays_as_it_is(alice: Account) -> None:
    bob = EmailAddress.parse("bob@far.test")
    suppress(address=bob, account_id=alice.pk, reason="He asked me to.", by=alice.login, now=NOON)
    send(alice, "bob@far.test")
    [row] = Suppression.objects.all()
    assert (row.source, row.evidence, row.expires_at, row.count) == ("hand", "He asked me to.", None, 1)
    assert on_list(alice, "bob@far.test", now=NOON + 9_999 * DAY) == ["bob@far.test"]


def test_an_account_takes_its_list_with_it(alice: Account) -> None:
    send(alice, "bob@far.test")
    remove_account(account_id=alice.pk, by="test")
    assert not Suppression.objects.exists()
