"""Complaints among the delivery problems, and what nobody vouches for."""

from datetime import timedelta

from delivery.causes import read_problems, read_problems_of
from delivery.models import QueuedMessage, QueuedRecipient, ReturnedKind
from delivery.relay.outcome import Delivered
from delivery.returned import note_returned
from mailboxes.models import Account
from mailhost.protocols.bounce_causes import Cause
from tests.delivery.test_causes import BIG, SOON, alice, end, everybodys, relaying, submit
from tests.support.hosting import new_account
from tests.support.queueing import NOON

__all__ = ["alice", "relaying"]


def test_what_nobody_vouches_for_is_no_problem_of_delivery(alice: Account) -> None:
    submit(alice, "a@one.test")
    end(Delivered("250 ok", peer=BIG))
    note_returned(
        kind=ReturnedKind.BOUNCE, recipient_id=QueuedRecipient.objects.get().pk, cause=Cause.FULL, now=NOON
    )
    assert not everybodys().are_any


def complain(path: str, *, hours: float = 0, is_proven: bool = True) -> None:
    note_returned(
        kind=ReturnedKind.COMPLAINT,
        recipient_id=QueuedRecipient.objects.get(forward_path=path).pk,
        diagnostic="abuse",
        is_proven=is_proven,
        now=NOON + timedelta(hours=hours),
    )


def test_complaints_are_a_group_of_their_own(alice: Account) -> None:
    bob = new_account("bob", domain=alice.login.partition("@")[2])
    submit(alice, "a@one.test", "b@two.test", "c@one.test", "d@one.test")
    submit(bob, "e@one.test")
    end(Delivered("250 ok", peer=BIG))
    for number, path in enumerate(("a@one.test", "b@two.test", "e@one.test")):
        complain(path, hours=number)
    complain("c@one.test", is_proven=False)
    for found in (
        read_problems(now=SOON),
        read_problems_of(domains=[alice.login.partition("@")[2]], now=SOON),
    ):
        assert (found.groups, found.are_any) == ((), True)
        [group] = found.complaints
        assert (group.provider, group.count, group.doubtful) == ("big-provider.com", 3, 1)
        assert (group.since, group.latest) == (NOON, NOON + timedelta(hours=2))
        assert group.senders == ((alice.login, 3), (bob.login, 1))
        assert group.meaning == "These people marked it as junk."
        assert "asked for" in group.step
        assert "Hold it" in group.administrators_step
    [own] = read_problems_of(account_id=bob.pk, now=SOON).complaints
    assert (own.count, own.doubtful, own.senders) == (1, 0, ((bob.login, 1),))
    assert read_problems_of(account_id=new_account("eve").pk, now=SOON).complaints == ()


def test_complaints_are_told_for_a_week_also_where_the_queue_has_forgotten(alice: Account) -> None:
    submit(alice, "a@one.test")
    end(Delivered("250 ok", peer=BIG))
    complain("a@one.test")
    QueuedMessage.objects.all().delete()
    [group] = read_problems(now=NOON + timedelta(days=6)).complaints
    assert (group.provider, group.count) == ("one.test", 1)
    assert read_problems(now=NOON + timedelta(days=8)).complaints == ()
