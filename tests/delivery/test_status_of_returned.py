"""What came back later, why something did not arrive, and what somebody says: in the status that its sender is told."""

from datetime import timedelta
from random import Random

from delivery.models import QueuedRecipient, RecipientState, ReturnedKind
from delivery.queue.destination_outcomes import put_off
from delivery.relay.outcome import Bounced, Deferred, Delivered
from delivery.returned import note_returned
from delivery.status import read_counts
from mailboxes.models import Account
from mailhost.protocols.bounce_causes import Cause
from tests.delivery.test_status import CLEAR, ID, MX, alice, end, relaying, status, submit
from tests.support.queueing import NOON, claim_all

__all__ = ["alice", "relaying"]


def test_what_came_back_later_did_not_arrive(alice: Account) -> None:
    submit(alice, "a@far.test", "b@far.test")
    end({each: Delivered("250 2.0.0 Ok", MX) for each in ("a@far.test", "b@far.test")})
    later = NOON + timedelta(hours=2)
    for kind in ReturnedKind:
        note_returned(
            kind=kind,
            recipient_id=QueuedRecipient.objects.get(forward_path="a@far.test").pk,
            cause=Cause.FULL,
            status="5.2.2",
            diagnostic="552 5.2.2 The mailbox is full",
            is_vouched_for=True,
            now=later,
        )
    found = status(alice)
    returned, taken = found.recipients
    assert (returned.forward_path, returned.state, returned.came_back) == (
        "a@far.test",
        RecipientState.BOUNCED,
        True,
    )
    assert (returned.at, returned.status, returned.cause) == (later, "5.2.2", Cause.FULL)
    assert (returned.host, returned.tls, returned.reply) == (MX.host, MX.tls, "552 5.2.2 The mailbox is full")
    assert returned.meaning == "The recipient's mailbox is full."
    assert returned.step
    assert (taken.state, taken.came_back, taken.cause, taken.meaning) == (
        RecipientState.DELIVERED,
        False,
        None,
        "",
    )
    assert (found.counts.failed, found.counts.is_moving) == (1, False)
    assert read_counts(account_id=alice.pk, message_ids=[ID])[ID].failed == 1


def test_what_nobody_vouches_for_is_told_as_that(alice: Account) -> None:
    """Whoever has got the same message could have written it."""
    submit(alice, "a@far.test")
    end({"a@far.test": Delivered("250 2.0.0 Ok", MX)})
    recipient_id, later = QueuedRecipient.objects.get().pk, NOON + timedelta(hours=2)
    note_returned(
        kind=ReturnedKind.BOUNCE,
        recipient_id=recipient_id,
        cause=Cause.FULL,
        diagnostic="552 full",
        now=later,
    )
    [found] = status(alice).recipients
    assert (found.state, found.came_back, found.cause, found.reply) == (
        RecipientState.DELIVERED,
        False,
        None,
        "250 2.0.0 Ok",
    )
    assert (found.said_at, found.said) == (later, "552 full")
    assert read_counts(account_id=alice.pk, message_ids=[ID])[ID].failed == 0
    note_returned(
        kind=ReturnedKind.BOUNCE,
        recipient_id=recipient_id,
        cause=Cause.NO_SUCH_USER,
        diagnostic="550 gone",
        is_proven=True,
        now=later + timedelta(hours=1),
    )
    [found] = status(alice).recipients
    assert (found.state, found.cause, found.reply, found.said_at, found.said) == (
        RecipientState.BOUNCED,
        Cause.NO_SUCH_USER,
        "550 gone",
        None,
        "",
    )


def test_why_it_waits_or_did_not_arrive_is_told_as_a_cause(alice: Account) -> None:
    submit(alice, "a@far.test", "b@far.test")
    end({"a@far.test": Bounced("5.1.1", "550 5.1.1 No such user", MX)})
    [claim] = claim_all(now=NOON + timedelta(minutes=5)).values()
    put_off(
        claim=claim,
        outcome=Deferred("4.4.1", "No host answers", CLEAR),
        was_reached=False,
        now=NOON,
        random=Random(1),
    )
    assert [each.cause for each in status(alice).recipients] == [Cause.NO_SUCH_USER, Cause.NO_CONNECTION]
