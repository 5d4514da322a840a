"""Bounces that two workers write down at the same moment."""

import pytest
from django.db import connection
from pytest_django import Settings

from delivery.acceptance import Acceptance, accept_now
from delivery.models import QueuedRecipient, Suppression
from delivery.suppression import suppressed_among
from delivery.suppression_learning import learn_from_bounces
from mailboxes.models import Account
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.bounce_causes import Cause
from tests.support.hosting import new_account
from tests.support.queueing import MESSAGE, NOON
from tests.support.racing import both


@pytest.fixture(autouse=True)
def learning(settings: Settings, monkeypatch: pytest.MonkeyPatch, shared_db: None) -> None:
    settings.RELAY = "capture"
    settings.SUPPRESS_AFTER, settings.SUPPRESS_DAYS = 2, 30
    with connection.cursor() as sql:
        sql.execute("TRUNCATE delivery_suppression")


def sent_to(sender: Account, *forward_paths: str) -> list[int]:
    accepted = accept_now(
        Acceptance(
            MESSAGE,
            relay=tuple(EmailAddress.parse(each) for each in forward_paths),
            reverse_path=sender.login,
            submitted_by=sender.pk,
        ),
        now=NOON,
    )
    rows = QueuedRecipient.objects.filter(message_id=accepted.queued_message_id).order_by("forward_path")
    return list(rows.values_list("pk", flat=True))


def come_back(recipients: dict[int, str]) -> None:
    said = {number: (path, Cause.NO_SUCH_USER, "550 5.1.1 gone") for number, path in recipients.items()}
    learn_from_bounces(said, now=NOON)


def test_the_second_of_two_accounts_counts_what_the_first_has_learned() -> None:
    """Neither would see the other's row before it is committed."""
    alice = new_account("alice")
    carol = new_account("carol", domain=alice.login.partition("@")[2])
    [of_alice], [of_carol] = sent_to(alice, "bob@far.test"), sent_to(carol, "bob@far.test")
    results = both(
        lambda: come_back({of_alice: "bob@far.test"}),
        lambda: come_back({of_carol: "bob@far.test"}),
    )
    assert results == [None, None]
    dave = new_account("dave", domain=alice.login.partition("@")[2])
    assert suppressed_among(account_id=dave.pk, addresses=["bob@far.test"], now=NOON)
    assert Suppression.objects.get(domain__isnull=False).count == 2


def test_many_addresses_in_any_order_wait_for_each_other_and_all_count() -> None:
    """Locks are taken in one order, and are fewer than addresses."""
    alice = new_account("alice")
    carol = new_account("carol", domain=alice.login.partition("@")[2])
    paths = [f"r{number:03}@far.test" for number in range(300)]
    first = dict(zip(sent_to(alice, *paths), paths, strict=True))
    second = dict(reversed(list(zip(sent_to(carol, *paths), paths, strict=True))))
    assert both(lambda: come_back(first), lambda: come_back(second)) == [None, None]
    assert Suppression.objects.filter(domain__isnull=False, count=2).count() == 300
