"""Notices to several bounce addresses of ours in one transaction, while others count bounces of the same addresses."""

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from random import Random

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from delivery.acceptance import Acceptance, accept_now
from delivery.local_delivery import deliver_here
from delivery.models import LOCAL, Destination, QueuedMessage, QueuedRecipient, ReturnedMail, Suppression
from delivery.queue.claim import due_parcels
from delivery.queue.outcomes import Recorded
from delivery.returns.addresses import PURPOSE
from delivery.suppression_learning import LOCK
from domains.models import Domain
from mailboxes.models import Account
from mailhost.net.secrets_at_rest import derived_secrets
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.smtp.dsn_parameters import NOTHING_ASKED
from mailhost.protocols.verp import SentTo, bounce_address
from tests.support.hosting import new_account
from tests.support.queueing import MESSAGE, NOON, claim_all
from tests.support.returning import failed, notice

SLOT = "SELECT (hashtextextended(%s, %s) & 255)::integer"
HOLD = "SELECT pg_advisory_xact_lock(%s, %s)"
WAITS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND NOT granted"


@pytest.fixture
def alice(settings: Settings, monkeypatch: pytest.MonkeyPatch, shared_db: None) -> Account:
    settings.RELAY, settings.SUPPRESS_AFTER, settings.SUPPRESS_DAYS = "direct", 1, 30
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
    with connection.cursor() as sql:
        sql.execute("TRUNCATE delivery_suppression, delivery_returnedmail")
    QueuedMessage.objects.all().delete()
    Destination.objects.all().delete()
    return new_account("alice")


def slot_of(path: str, sender: Account) -> int:
    """Which lock those wait for who count this address for the sender's domain."""
    domain = Domain.objects.get(name=sender.login.partition("@")[2])
    with connection.cursor() as sql:
        sql.execute(SLOT, (path, domain.pk))
        return int(sql.fetchone()[0])


def sent(sender: Account, *paths: str) -> list[str]:
    """The bounce addresses of what another host has taken."""
    relay = tuple(EmailAddress.parse(each) for each in paths)
    accept_now(Acceptance(MESSAGE, relay=relay, reverse_path=sender.login, submitted_by=sender.pk), now=NOON)
    QueuedRecipient.objects.update(state="delivered", attempts=1)
    rows = QueuedRecipient.objects.order_by("pk").values_list("message_id", "pk")
    domain, until = sender.login.partition("@")[2], NOON + timedelta(days=5)
    secret = derived_secrets(PURPOSE)[0]
    return [str(bounce_address(SentTo(*row), domain=domain, until=until, secret=secret)) for row in rows]


def come_back(*addresses: str) -> Recorded:
    """A notice to all of them, as a worker delivers it."""
    waiting = tuple((each, NOTHING_ASKED) for each in addresses)
    accept_now(Acceptance(notice(failed("x@far.test")), waiting=waiting), now=NOON)
    claim = claim_all()[LOCAL]
    [parcel] = due_parcels(claim=claim, now=NOON, limit=10, except_ids=[])
    return deliver_here(claim=claim, parcel=parcel, now=NOON, random=Random(1))


def in_own_connection(addresses: list[str]) -> Recorded:
    try:
        return come_back(*addresses)
    finally:
        connection.close()


def wait_until_it_waits(other: "Future[Recorded]") -> None:
    with connection.cursor() as sql:
        while not other.done():
            sql.execute(WAITS, (LOCK,))
            if sql.fetchone()[0]:
                return


def test_they_are_counted_together(alice: Account) -> None:
    assert come_back(*sent(alice, "bob@far.test", "carol@far.test")).is_own
    assert ReturnedMail.objects.count() == 2
    counted = Suppression.objects.filter(account=alice).order_by("address")
    assert list(counted.values_list("address", "count")) == [("bob@far.test", 1), ("carol@far.test", 1)]


def test_locks_are_taken_in_the_order_of_all_who_count(alice: Account) -> None:
    """Whoever holds the first lock and is about to take the second must not meet one who took that first."""
    paths = iter(f"r{number}@far.test" for number in range(1_000))
    first = next(each for each in paths if slot_of(each, alice) > 100)
    second = next(each for each in paths if slot_of(each, alice) < 100)
    addresses = sent(alice, first, second)
    with ThreadPoolExecutor(1) as thread, transaction.atomic(), connection.cursor() as sql:
        sql.execute(HOLD, (LOCK, slot_of(second, alice)))
        other = thread.submit(in_own_connection, addresses)
        wait_until_it_waits(other)
        sql.execute("SET LOCAL lock_timeout = '5s'")
        sql.execute(HOLD, (LOCK, slot_of(first, alice)))
    assert other.result(30).is_own
    assert Suppression.objects.filter(account=alice).count() == 2
