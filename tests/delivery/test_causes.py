"""Why mail does not arrive: grouped by cause and by whose host it is, for each as far as the mail is theirs."""

from datetime import timedelta
from random import Random

import pytest
from pytest_django import Settings

from delivery import causes
from delivery.acceptance import Acceptance, accept_now
from delivery.causes import Group, Problems, read_problems, read_problems_of
from delivery.models import Destination, QueuedMessage, QueuedRecipient, ReturnedKind
from delivery.queue.claim import due_parcels
from delivery.queue.destination_outcomes import put_off
from delivery.queue.outcomes import record
from delivery.queue.values import RecipientResult
from delivery.relay.outcome import Bounced, Deferred, Delivered, Outcome, Peer
from delivery.returned import note_returned
from mailboxes.models import Account
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.bounce_causes import Cause
from mailhost.protocols.cause_words import WORDS, administrators_step
from tests.support.hosting import new_account
from tests.support.queueing import MESSAGE, NOON, claim_all
from tests.webmail.conftest import Statements, statements

__all__ = ["statements"]

BIG = Peer("mx7.big-provider.com", "192.0.2.9")
LISTED = Deferred("4.7.1", "451 4.7.1 192.0.2.1 is listed at zen.spamhaus.org", peer=BIG)
UNKNOWN = Bounced("5.1.1", "550 5.1.1 no such user", peer=BIG)
SOON = NOON + timedelta(minutes=1)


@pytest.fixture(autouse=True)
def relaying(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RELAY = "direct"
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)


@pytest.fixture
def alice(db: None) -> Account:
    QueuedMessage.objects.all().delete()  # what other tests have committed
    Destination.objects.all().delete()
    return new_account("alice")


def submit(sender: Account | None, *relay: str, minutes: int = 0) -> None:
    acceptance = Acceptance(
        MESSAGE,
        relay=tuple(EmailAddress.parse(each) for each in relay),
        reverse_path=sender.login if sender else "x@y.test",
        submitted_by=sender.pk if sender else None,
    )
    accept_now(acceptance, now=NOON - timedelta(minutes=minutes))


def end(outcome: Outcome, **others: Outcome) -> None:
    """So ends all that is due; otherwise at the destinations whose names begin so."""
    for claim in claim_all().values():
        results = [
            RecipientResult(parcel.message, each, others.get(claim.name.partition(".")[0], outcome))
            for parcel in due_parcels(claim=claim, now=NOON, limit=1_000, except_ids=())
            for each in parcel.recipients
        ]
        record(results={claim: results}, now=NOON, random=Random(1))


def everybodys() -> Problems:
    return read_problems(now=SOON)


def told(group: Group) -> tuple[str, str, int, tuple[str, ...]]:
    return group.provider, group.cause.value, group.count.count, group.destinations


def test_what_waits_is_told_by_the_provider_whose_host_takes_it(alice: Account) -> None:
    submit(alice, "a@one.test", minutes=9)
    submit(alice, "b@one.test", "c@two.test", minutes=3)
    submit(alice, "d@other.test")
    end(LISTED, other=Deferred("4.2.2", "452 4.2.2 mailbox full", peer=Peer("mx.other.test", "")))
    first, second = everybodys().waiting
    assert told(first) == ("big-provider.com", "listed", 3, ("one.test", "two.test"))
    assert told(second) == ("other.test", "full", 1, ("other.test",))
    assert first.since == NOON - timedelta(minutes=9)
    assert first.next_at is not None
    assert first.next_at > NOON
    assert first.listed_by == "zen.spamhaus.org"
    assert "zen.spamhaus.org" in first.meaning
    assert first.reply == LISTED.reply
    assert first.administrators_step != first.step
    assert "do not send it again" in second.step
    assert everybodys().failed == ()
    assert not everybodys().is_cut


def test_what_is_delivered_or_not_tried_yet_is_no_problem(alice: Account) -> None:
    submit(alice, "a@one.test")
    end(Delivered("250 ok", peer=BIG))
    submit(alice, "b@one.test")
    assert everybodys().groups == read_problems_of(account_id=alice.pk, now=SOON).groups == ()


def test_a_destination_that_no_host_is_reached_of_tells_of_all_that_waits_there(alice: Account) -> None:
    submit(alice, "a@dead.test", "b@dead.test", minutes=5)
    put_off(
        claim=claim_all()["dead.test"],
        outcome=Deferred("4.4.1", "No server answered."),
        was_reached=False,
        now=NOON,
        random=Random(1),
    )
    submit(alice, "c@dead.test")  # it knows nothing of the look before it
    for found in (everybodys(), read_problems_of(account_id=alice.pk, now=SOON)):
        [group] = found.waiting
        assert told(group) == ("dead.test", "no-connection", 3, ("dead.test",))
        assert (group.reply, group.since) == ("No server answered.", NOON - timedelta(minutes=5))
        assert group.next_at == Destination.objects.get(name="dead.test").next_attempt_at


@pytest.mark.parametrize("host", ["[127.0.0.9]", "[IPv6:2001:db8::9]", "192.0.2.25"])
def test_no_part_of_an_address_is_a_provider(alice: Account, host: str) -> None:
    submit(alice, "a@one.test")
    end(Deferred("4.2.2", "452 4.2.2 mailbox full", peer=Peer(host, "127.0.0.9")))
    [group] = everybodys().waiting
    assert told(group) == (host.lower(), "full", 1, ("one.test",))


def test_what_came_back_is_told_for_a_day(alice: Account) -> None:
    submit(alice, "a@one.test", "b@one.test")
    end(UNKNOWN)
    [group] = everybodys().failed
    assert told(group) == ("big-provider.com", "no-such-user", 2, ("one.test",))
    assert (group.is_final, group.since, group.next_at) == (True, NOON, None)
    later = NOON + timedelta(hours=25)
    assert read_problems(now=later).groups == read_problems_of(account_id=alice.pk, now=later).groups == ()


def test_what_another_host_had_taken_and_sent_back_is_told_too(alice: Account) -> None:
    submit(alice, "a@one.test")
    end(Delivered("250 ok", peer=BIG))
    note_returned(
        kind=ReturnedKind.BOUNCE,
        recipient_id=QueuedRecipient.objects.get().pk,
        cause=Cause.FULL,
        diagnostic="552 mailbox full",
        reporter="mx7.big-provider.com",
        is_proven=True,
        now=NOON,
    )
    domains = [alice.login.partition("@")[2]]
    for found in (
        everybodys(),
        read_problems_of(account_id=alice.pk, now=SOON),
        read_problems_of(domains=domains, now=SOON),
    ):
        [group] = found.failed
        assert told(group) == ("big-provider.com", "full", 1, ("one.test",))
        assert group.reply == "552 mailbox full"
    assert read_problems_of(account_id=new_account("eve").pk, now=SOON).groups == ()


def test_each_is_told_of_what_they_have_sent(alice: Account) -> None:
    bob, eve = new_account("bob", domain=alice.login.partition("@")[2]), new_account("eve")
    submit(alice, "a@one.test")
    submit(bob, "b@one.test", "c@one.test")
    submit(eve, "d@one.test")
    submit(None, "e@one.test")
    end(LISTED)

    def count(found: Problems) -> int:
        return sum(each.count.count for each in found.waiting)

    assert count(read_problems_of(account_id=alice.pk, now=SOON)) == 1
    assert count(read_problems_of(domains=[alice.login.partition("@")[2]], now=SOON)) == 3
    assert count(read_problems_of(domains=[], now=SOON)) == 0
    assert count(everybodys()) == 5


def test_counts_are_bounded_and_say_so(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(causes, "MAX_COUNT", 3)
    monkeypatch.setattr(causes, "MAX_NAMES", 1)
    submit(alice, *(f"{number}@one.test" for number in range(5)), "x@two.test")
    end(LISTED)
    [group] = everybodys().waiting
    assert str(group.count) == "more than 4"
    assert (group.destinations, group.more_destinations) == (("one.test",), 1)


def test_beyond_the_bounds_it_says_that_there_is_more(
    alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(alice, "x@one.test", "x@two.test", "x@three.test")
    end(LISTED)
    for name in ("MAX_DESTINATIONS", "MAX_LOOKED"):
        monkeypatch.setattr(causes, name, 2)
    assert everybodys().is_cut
    assert read_problems_of(account_id=alice.pk, now=SOON).is_cut
    monkeypatch.setattr(causes, "MAX_DESTINATIONS", 4)
    assert not everybodys().is_cut
    QueuedRecipient.objects.update(state="bounced", finished_at=NOON)
    assert everybodys().is_cut


def test_a_cause_that_was_never_kept_is_read_from_the_reply(alice: Account) -> None:
    submit(alice, "x@one.test")
    end(UNKNOWN)
    QueuedRecipient.objects.update(cause="")
    assert [each.cause for each in everybodys().failed] == [Cause.NO_SUCH_USER]
    QueuedRecipient.objects.update(cause="of-a-later-release")
    assert [each.cause for each in everybodys().failed] == [Cause.NO_SUCH_USER]


def test_one_statement_however_much_there_is(alice: Account, statements: Statements) -> None:
    submit(alice, *(f"x@d{number}.test" for number in range(50)))
    end(LISTED)
    with statements() as seen:
        everybodys()
        read_problems_of(account_id=alice.pk, now=SOON)
    assert len(seen) == 2


@pytest.mark.parametrize("cause", list(Cause))
def test_there_is_a_next_step_for_administrators(cause: Cause) -> None:
    assert administrators_step(cause)
    if "your mail administrator" in WORDS[cause][1]:
        assert "your mail administrator" not in administrators_step(cause)
