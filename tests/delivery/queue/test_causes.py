"""The cause is kept with the recipient, whichever way its outcome is written."""

from random import Random

import pytest
from django.db import connection

from delivery.models import QueuedRecipient
from delivery.queue.claim import due_parcels
from delivery.queue.destination_outcomes import bounce_waiting, put_off
from delivery.queue.outcomes import record
from delivery.queue.values import RecipientResult
from delivery.relay.outcome import Bounced, Deferred, Delivered, Outcome
from tests.support.queueing import NOON, claim_all, queue


@pytest.fixture(autouse=True)
def empty_queue(shared_db: None) -> None:
    with connection.cursor() as sql:
        sql.execute(
            "TRUNCATE delivery_attempt, delivery_queuedrecipient, delivery_queuedmessage, delivery_destination"
        )


def cause() -> str:
    return QueuedRecipient.objects.get(forward_path="bob@far.test").cause


@pytest.mark.parametrize(
    ("outcome", "kept"),
    [
        (Bounced("5.7.1", "554 5.7.1 blocked using zen.spamhaus.org"), "listed"),
        (Deferred("4.2.2", "452 4.2.2 later"), "full"),
        (Delivered("250 ok"), ""),
    ],
)
def test_of_one_recipient(outcome: Outcome, kept: str) -> None:
    queue("bob@far.test")
    QueuedRecipient.objects.update(cause="greylisted")
    claim = claim_all()["far.test"]
    [parcel] = due_parcels(claim=claim, limit=10, except_ids=[], now=NOON)
    results = [RecipientResult(parcel.message, parcel.recipients[0], outcome)]
    record(results={claim: results}, now=NOON, random=Random(1))
    assert cause() == kept


def test_of_all_that_waits_for_a_destination() -> None:
    queue("bob@far.test")
    claim = claim_all()["far.test"]
    no_answer = Deferred("4.4.1", "No server answered.")
    put_off(claim=claim, outcome=no_answer, was_reached=False, now=NOON, random=Random(1))
    assert cause() == "no-connection"


def test_of_what_can_never_be_reached() -> None:
    queue("bob@far.test")
    bounce_waiting(
        claim=claim_all()["far.test"], outcome=Bounced("5.1.10", "The domain takes no mail."), now=NOON
    )
    assert cause() == "takes-no-mail"
