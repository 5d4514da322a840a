"""What had to wait is asked for again when it leaves: what was put on the list meanwhile counts."""

from datetime import timedelta

import pytest
from pytest_django import Settings

from delivery.acceptance import Acceptance, accept_now
from delivery.models import Attempt, Destination, QueuedMessage, QueuedRecipient, Suppression
from delivery.queue import verbs
from delivery.queue.filtering import QueueFilter
from delivery.queue.verbs import Order, Verb
from delivery.queue.waiting import release_due
from delivery.submission.holds import release_held
from delivery.suppression_lists import lift, list_of_account, suppress
from mailboxes.models import Account
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.smtp.dsn_parameters import DsnRequest
from tests.support.hosting import new_account
from tests.support.queueing import MESSAGE, NOON
from tests.webmail.conftest import Statements, statements

__all__ = ["statements"]

LATER = NOON + timedelta(hours=1)


@pytest.fixture(autouse=True)
def relaying(settings: Settings, monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    settings.RELAY = "direct"
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
    QueuedMessage.objects.all().delete()  # what other tests have committed
    Destination.objects.all().delete()


@pytest.fixture
def alice() -> Account:
    return new_account("alice")


def submit(
    sender: Account,
    *relay: str,
    is_held: bool = False,
    notify: str = "",
    reverse_path: str = "",
    suppressed: tuple[str, ...] = (),
) -> int:
    """Held for an operator, or waiting for its time."""
    addresses = tuple(EmailAddress.parse(each) for each in relay)
    accepted = accept_now(
        Acceptance(
            MESSAGE,
            relay=addresses,
            reverse_path=reverse_path or sender.login,
            submitted_by=sender.pk,
            is_held=is_held,
            suppressed=suppressed,
            release_at=None if is_held else LATER,
            dsn_requests={each.key: DsnRequest(notify=notify) for each in addresses if notify},
        ),
        now=NOON,
    )
    assert accepted.queued_message_id is not None
    return accepted.queued_message_id


def put(sender: Account, address: str = "bob@far.test", *, domain: str = "") -> Suppression:
    return suppress(
        address=EmailAddress.parse(address),
        account_id=None if domain else sender.pk,
        domain=domain,
        by="test",
        now=NOON,
    )


def entry_of(address: str) -> int:
    return Suppression.objects.get(address=address).pk


def domain_of(sender: Account) -> str:
    return sender.login.partition("@")[2]


def let_go(message_id: int, way: str) -> None:
    """As the time, an operator at the account's page, or an operator at the queue does it."""
    if way == "time":
        release_due(now=LATER)
    elif way == "account":
        release_held(message_ids=[message_id], by="op", now=LATER)
    else:
        order, asked = Order(verb=Verb.RELEASE), QueueFilter()
        verbs.advance(order=order, asked=asked, run=verbs.begin(order=order, asked=asked), by="op", now=LATER)


def states(message_id: int) -> dict[str, str]:
    rows = QueuedRecipient.objects.filter(message_id=message_id)
    return dict(rows.values_list("forward_path", "state"))


@pytest.mark.parametrize("way", ["time", "account", "queue"])
def test_what_was_suppressed_meanwhile_is_not_sent_and_its_sender_is_told(alice: Account, way: str) -> None:
    message_id = submit(alice, "Bob@far.test", "carol@far.test", "postmaster@far.test", is_held=way != "time")
    put(alice)
    put(alice, "carol@far.test", domain=domain_of(alice))
    let_go(message_id, way)
    assert states(message_id) == {
        "Bob@far.test": "bounced",
        "carol@far.test": "bounced",
        "postmaster@far.test": "queued",
    }
    bob = QueuedRecipient.objects.get(message_id=message_id, forward_path="Bob@far.test")
    assert (bob.last_status, bob.cause, bob.report_due, bob.attempts) == ("5.7.1", "policy", "failed", 0)
    assert bob.last_reply.startswith("Not sent. bob@far.test was put on the suppression list on 2026-03-01.")
    carol = QueuedRecipient.objects.get(message_id=message_id, forward_path="carol@far.test")
    assert carol.last_reply.endswith("An administrator of your domain can lift it.")
    events = Attempt.objects.filter(queue_id=message_id, recipient_id=bob.pk).order_by("pk")
    assert list(events.values_list("outcome", "reply"))[-1] == ("bounced", bob.last_reply)


@pytest.mark.parametrize("way", ["time", "account", "queue"])
def test_what_was_lifted_meanwhile_is_sent(alice: Account, way: str) -> None:
    entry = put(alice)
    message_id = submit(alice, "bob@far.test", is_held=way != "time")
    lift(suppression_id=entry.pk, among=list_of_account(account_id=alice.pk), by="test")
    let_go(message_id, way)
    assert states(message_id) == {"bob@far.test": "queued"}


@pytest.mark.parametrize("way", ["time", "account", "queue"])
def test_what_was_known_when_it_was_submitted_bounces_when_it_leaves_alone(alice: Account, way: str) -> None:
    """Behind an alias, where nobody refuses it: its sender may still take the message back."""
    put(alice)
    put(alice, "carol@far.test")
    message_id = submit(
        alice,
        "bob@far.test",
        "carol@far.test",
        is_held=way != "time",
        suppressed=("bob@far.test", "carol@far.test"),
    )
    waits = "waiting" if way == "time" else "held"
    assert states(message_id) == {"bob@far.test": waits, "carol@far.test": waits}
    lift(suppression_id=entry_of("carol@far.test"), among=list_of_account(account_id=alice.pk), by="test")
    let_go(message_id, way)
    assert states(message_id) == {"bob@far.test": "bounced", "carol@far.test": "queued"}
    bob = QueuedRecipient.objects.get(message_id=message_id, forward_path="bob@far.test")
    assert (bob.report_due, bob.finished_at) == ("failed", LATER)


def test_only_its_own_senders_list_counts(alice: Account) -> None:
    eve = new_account("eve")
    put(eve)
    put(eve, domain=domain_of(eve))
    message_id = submit(alice, "bob@far.test")
    let_go(message_id, "time")
    assert states(message_id) == {"bob@far.test": "queued"}


def test_nobody_is_told_who_asked_for_nothing_and_notices_pass(alice: Account) -> None:
    put(alice)
    quiet = submit(alice, "bob@far.test", notify="NEVER")
    let_go(quiet, "time")
    [row] = QueuedRecipient.objects.filter(message_id=quiet)
    assert (row.state, row.report_due) == ("bounced", "")
    notice = accept_now(
        Acceptance(
            MESSAGE, relay=(EmailAddress.parse("bob@far.test"),), submitted_by=alice.pk, release_at=LATER
        ),
        now=NOON,
    )
    assert notice.queued_message_id is not None
    let_go(notice.queued_message_id, "time")
    assert states(notice.queued_message_id) == {"bob@far.test": "queued"}


def test_what_is_held_and_waits_for_its_time_as_well_is_asked_for_at_its_time(alice: Account) -> None:
    message_id = submit(alice, "bob@far.test")
    QueuedRecipient.objects.filter(message_id=message_id).update(state="held")
    put(alice)
    let_go(message_id, "account")
    assert states(message_id) == {"bob@far.test": "waiting"}
    let_go(message_id, "time")
    assert states(message_id) == {"bob@far.test": "bounced"}


def test_any_number_takes_one_statement_where_nobody_has_a_list(
    alice: Account, statements: Statements
) -> None:
    for number in range(20):
        submit(alice, *(f"r{number}-{each}@far.test" for each in range(5)))
    with statements() as seen:
        release_due(now=LATER)
    assert sum("delivery_suppression" in each for each in seen) == 1
    assert not QueuedRecipient.objects.exclude(state="queued").exists()


def test_many_are_held_back_in_three_statements(alice: Account, statements: Statements) -> None:
    for number in range(20):
        put(alice, f"r{number}@far.test")
        submit(alice, f"r{number}@far.test", "carol@far.test")
    with statements() as seen:
        release_due(now=LATER)
    assert sum("delivery_suppression" in each or "held_back" in each for each in seen) == 3
    assert QueuedRecipient.objects.filter(state="bounced").count() == 20
    assert QueuedRecipient.objects.filter(state="queued").count() == 20
