"""The cause is kept with the recipient, whichever way its outcome is written."""

from datetime import timedelta
from random import Random

import pytest
from django.db import connection

from delivery import bounces
from delivery.models import QueuedRecipient
from delivery.queue.causes import CAUSE_NOW, CAUSE_NOW_SQL
from delivery.queue.claim import due_parcels
from delivery.queue.destination_outcomes import bounce_waiting, put_off
from delivery.queue.outcomes import record
from delivery.queue.values import RecipientResult
from delivery.relay.outcome import Bounced, Deferred, Delivered, Outcome
from mailboxes.models import Content, Message
from tests.support.hosting import new_account
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


def put_all_off(minutes: int, *, reply: str = "No server answered.", status: str = "4.4.1") -> None:
    now = NOON + timedelta(minutes=minutes)
    put_off(
        claim=claim_all(now=now)["far.test"],
        outcome=Deferred(status, reply),
        was_reached=False,
        now=now,
        random=Random(1),
    )


def causes_now() -> set[str]:
    """Both forms of it, which agree."""
    rows = QueuedRecipient.objects.annotate(now=CAUSE_NOW).order_by("pk")
    found = list(rows.values_list("now", flat=True))
    with connection.cursor() as sql:
        sql.execute(
            f"SELECT {CAUSE_NOW_SQL} FROM delivery_queuedrecipient recipient"
            " JOIN delivery_destination destination ON destination.id = recipient.destination_id ORDER BY recipient.id"
        )
        assert [row[0] for row in sql.fetchall()] == found
    return set(found)


def test_of_all_that_is_put_off_together_however_much_it_is() -> None:
    """Of 150 that wait the first hundred are told of the look; all of them wait for the same reason."""
    queue(*(f"user{number}@far.test" for number in range(150)))
    put_all_off(0)
    assert QueuedRecipient.objects.filter(cause="").count() == 50
    assert causes_now() == {"no-connection"}
    put_all_off(60, reply="No server could be found.", status="4.4.3")
    assert causes_now() == {"dns"}


def test_what_is_delivered_or_held_has_its_own_cause() -> None:
    queue("bob@far.test", "carol@far.test")
    put_all_off(0)
    QueuedRecipient.objects.filter(forward_path="bob@far.test").update(state="held", cause="listed")
    QueuedRecipient.objects.filter(forward_path="carol@far.test").update(state="delivered", cause="")
    assert causes_now() == {"listed", ""}


def test_a_delay_is_told_in_the_words_of_the_destination() -> None:
    alice = new_account("alice")
    queue("bob@far.test", reverse_path=alice.login)
    put_all_off(0)
    QueuedRecipient.objects.update(
        last_reply="", last_status="", last_attempt_at=None
    )  # as beyond the hundredth
    put_all_off(60, reply="The domain could not be looked up.", status="4.4.3")
    QueuedRecipient.objects.update(
        last_attempt_at=NOON, last_reply="No server answered.", last_status="4.4.1"
    )
    bounces.mark_delayed(now=NOON + timedelta(hours=5))
    assert bounces.send_reports(now=NOON + timedelta(hours=5), new_name=bounces.new_name) == 1
    [notice] = Message.objects.filter(mailbox__account=alice, mailbox__name="INBOX")
    octets = bytes(Content.objects.get(pk=notice.content_id).octets)
    assert b"Status: 4.4.3\r\n" in octets
    assert b"Diagnostic-Code: x-mailhost; The domain could not be looked up.\r\n" in octets
    assert b"Last-Attempt-Date: Sun, 01 Mar 2026 13:00:00 +0000\r\n" in octets
