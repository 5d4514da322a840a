"""What its sender is told of a message: where each recipient stands, who took it and how, and only of its own."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

import pytest
from django.db import connection
from pytest_django import Settings

from delivery.acceptance import Acceptance, accept_now
from delivery.models import QueuedRecipient, RecipientState
from delivery.models.trace import Outcome as TraceOutcome
from delivery.queue.claim import due_parcels
from delivery.queue.destination_outcomes import bounce_waiting, put_off
from delivery.queue.outcomes import record
from delivery.queue.values import RecipientResult
from delivery.queue.waiting import stop
from delivery.relay.outcome import Bounced, Deferred, Delivered, Outcome, Peer
from delivery.status import MAX_SHOWN, Status, read_counts, read_status
from delivery.submission.noting import note_placed
from mailboxes.models import Account
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.smtp.dsn_parameters import DsnRequest
from tests.support.hosting import new_account
from tests.support.queueing import NOON, claim_all

ID = "<1@here.test>"
MX = Peer("mx.far.test", "192.0.2.9", "TLSv1.3 TLS_AES_256_GCM_SHA384", "dane-ee verified")
CLEAR = Peer("mx.old.test", "192.0.2.10")


@pytest.fixture(autouse=True)
def relaying(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RELAY = "direct"
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)


@pytest.fixture
def alice(db: None) -> Account:
    return new_account("alice")


def submit(sender: Account, *relay: str, message_id: str = ID, **more: object) -> int:
    octets = f"From: {sender.login}\r\nMessage-ID: {message_id}\r\nSubject: Hello\r\n\r\n.\r\n".encode()
    acceptance = Acceptance(
        octets,
        relay=tuple(EmailAddress.parse(each) for each in relay),
        reverse_path=sender.login,
        submitted_by=sender.pk,
        **more,  # type: ignore[arg-type]  # as a test has spelled it out
    )
    accepted = accept_now(acceptance, now=NOON)
    assert accepted.queued_message_id is not None
    return accepted.queued_message_id


def end(outcomes: dict[str, Outcome]) -> None:
    """What a worker writes back at noon for these forward-paths."""
    for claim in claim_all().values():
        parcels = due_parcels(claim=claim, now=NOON, limit=1_000, except_ids=())
        results = [
            RecipientResult(parcel.message, each, outcomes[each.forward_path])
            for parcel in parcels
            for each in parcel.recipients
            if each.forward_path in outcomes
        ]
        record(results={claim: results}, now=NOON, random=Random(1))


def status(account: Account, message_id: str = ID) -> Status:
    found = read_status(account_id=account.pk, login=account.login, message_id=message_id)
    assert found is not None
    return found


def states(found: Status) -> Sequence[tuple[str, str]]:
    return [(each.forward_path.partition("@")[0], each.state.value) for each in found.recipients]


def test_each_recipient_has_a_place_of_its_own_and_trouble_stands_first(alice: Account) -> None:
    submit(alice, "a@far.test", "b@far.test", "c@far.test", "d@other.test")
    end({
        "a@far.test": Delivered("250 2.0.0 Ok", MX),
        "b@far.test": Bounced("5.1.1", "550 5.1.1 No such user", MX),
        "c@far.test": Deferred("4.2.2", "452 4.2.2 Full", CLEAR),
    })  # fmt: skip
    found = status(alice)
    assert states(found) == [("b", "bounced"), ("c", "deferred"), ("d", "queued"), ("a", "delivered")]
    bounced, deferred, queued, delivered = found.recipients
    assert (delivered.host, delivered.address, delivered.tls) == (MX.host, MX.address, MX.tls)
    assert (delivered.certificate, delivered.is_verified) == (MX.certificate, True)
    assert (delivered.at, delivered.next_at, delivered.is_here) == (NOON, None, False)
    assert (bounced.reply, bounced.status, bounced.next_at) == ("550 5.1.1 No such user", "5.1.1", None)
    assert (deferred.host, deferred.tls, deferred.reply) == (CLEAR.host, "", "452 4.2.2 Full")
    assert (deferred.certificate, deferred.is_verified) == ("", False)
    assert deferred.next_at is not None
    assert deferred.next_at > NOON
    assert "do not send it again" in deferred.step
    assert (queued.at, queued.next_at) == (None, NOON)
    assert (found.counts.total, found.counts.failed, found.counts.is_moving) == (4, 1, True)


def test_what_waits_behind_a_dead_host_says_why_and_until_when(alice: Account) -> None:
    """One row puts off all that waits for it; a message that comes later was not tried once."""
    submit(alice, "a@far.test")
    [claim] = claim_all().values()
    put_off(
        claim=claim,
        outcome=Deferred("4.4.1", "No host answers", CLEAR),
        was_reached=False,
        now=NOON,
        random=Random(1),
    )
    submit(alice, "b@far.test", message_id="<2@here.test>")
    for message_id in (ID, "<2@here.test>"):
        [only] = status(alice, message_id).recipients
        assert (only.state, only.reply, only.host) == (RecipientState.DEFERRED, "No host answers", "")
        assert only.next_at is not None
        assert only.next_at > NOON
        assert only.at == NOON


def test_a_whole_destination_that_refuses_bounces_each(alice: Account) -> None:
    submit(alice, "a@far.test", "b@far.test")
    [claim] = claim_all().values()
    bounce_waiting(claim=claim, outcome=Bounced("5.1.10", "It takes no mail (null MX)"), now=NOON)
    found = status(alice)
    assert [(each.reply, each.status) for each in found.recipients] == [
        ("It takes no mail (null MX)", "5.1.10")
    ] * 2
    assert not found.counts.is_moving


def test_what_waits_for_its_time_leaves_then_or_was_taken_back(alice: Account) -> None:
    later = NOON + timedelta(hours=1)
    queued = submit(alice, "a@far.test", release_at=later)
    [only] = status(alice).recipients
    assert (only.state, only.at) == (RecipientState.WAITING, later)
    stop(message_id=queued, now=NOON)
    [only] = status(alice).recipients
    assert (only.state, only.at) == (RecipientState.CANCELLED, NOON)


def test_what_is_held_for_an_operator_is_told_as_held(alice: Account) -> None:
    submit(alice, "a@far.test", is_held=True)
    assert states(status(alice)) == [("a", "held")]


def test_what_was_put_into_a_mailbox_here_is_told_from_the_trace(alice: Account) -> None:
    bob, carl = EmailAddress.parse("bob@here.test"), EmailAddress.parse("carl@here.test")
    placed = [(bob, 1), (bob, 2), (carl, 3)]  # bob is an alias of two
    submit(alice, "a@far.test")
    note_placed(
        placed,
        login=alice.login,
        reverse_path=alice.login,
        message_id=ID,
        size_octets=9,
        is_held=False,
        now=NOON,
    )
    found = status(alice)
    assert [(each.forward_path, each.state.value, each.is_here) for each in found.recipients] == [
        ("a@far.test", "queued", False),
        ("bob@here.test", "delivered", True),
        ("carl@here.test", "delivered", True),
    ]
    assert found.recipients[1].at == NOON


def test_a_filter_here_that_takes_it_for_junk_is_not_told_to_its_sender(alice: Account) -> None:
    from dataclasses import replace

    from delivery import trace
    from tests.panel.tracing import noted

    row = noted("here.test", "aa", login=alice.login, message_id=ID)
    trace.write([replace(row, outcome=TraceOutcome.JUNK)])
    [only] = status(alice).recipients
    assert (only.state, only.reply) == (RecipientState.DELIVERED, "")


def test_a_recipient_who_is_to_be_confirmed_is_told_once(alice: Account) -> None:
    bob = EmailAddress.parse("bob@here.test")
    submit(alice, confirmed=(("bob@here.test", DsnRequest(notify="SUCCESS")),))
    note_placed(
        [(bob, 1)], login=alice.login, reverse_path="", message_id=ID, size_octets=9, is_held=False, now=NOON
    )
    [only] = status(alice).recipients
    assert (only.state, only.is_here) == (RecipientState.DELIVERED, True)


def test_an_alias_that_led_on_is_told_by_where_it_leads(alice: Account) -> None:
    submit(alice, "x@far.test", "y@far.test", expanded=(("team@here.test", DsnRequest(notify="SUCCESS")),))
    assert [each.forward_path for each in status(alice).recipients] == ["x@far.test", "y@far.test"]
    assert read_counts(account_id=alice.pk, message_ids=[ID])[ID].total == 2


def test_of_a_message_that_was_submitted_again_the_newest_is_told(alice: Account) -> None:
    submit(alice, "a@far.test", "b@far.test")
    end({"a@far.test": Bounced("5.2.2", "552 5.2.2 Full", MX), "b@far.test": Delivered("250 Ok", MX)})
    submit(alice, "A@far.test")
    assert states(status(alice)) == [("A", "queued"), ("b", "delivered")]
    counts = read_counts(account_id=alice.pk, message_ids=[ID])[ID]
    assert counts.by_state == {RecipientState.QUEUED: 1, RecipientState.DELIVERED: 1}


def test_nobody_is_told_of_what_others_sent(alice: Account) -> None:
    submit(alice, "a@far.test")
    note_placed(
        [(EmailAddress.parse("bob@here.test"), 1)],
        login=alice.login,
        reverse_path="",
        message_id=ID,
        size_octets=9,
        is_held=False,
        now=NOON,
    )
    mallory = new_account("mallory")
    assert read_status(account_id=mallory.pk, login=mallory.login, message_id=ID) is None
    assert read_counts(account_id=mallory.pk, message_ids=[ID]) == {}
    submit(mallory, "m@far.test")  # with the same Message-ID
    assert states(status(mallory)) == [("m", "queued")]
    assert states(status(alice)) == [("a", "queued"), ("bob", "delivered")]


@pytest.mark.parametrize("message_id", ["", "<2@here.test>", "\0", "x" * 5_000])
def test_where_nothing_is_known_nothing_is_told(alice: Account, message_id: str) -> None:
    submit(alice, "a@far.test")
    accept_now(
        Acceptance(b"\r\n.\r\n", relay=(EmailAddress("b", "far.test"),), submitted_by=alice.pk), now=NOON
    )
    assert read_status(account_id=alice.pk, login=alice.login, message_id=message_id) is None
    assert read_counts(account_id=alice.pk, message_ids=[message_id]) == {}


def test_a_long_message_id_is_found_all_the_same(alice: Account) -> None:
    message_id = f"<{'x' * 700}@here.test>"
    submit(alice, "a@far.test", message_id=message_id)
    found = QueuedRecipient.objects.get().message.content.message_id
    assert states(status(alice, found)) == [("a", "queued")]
    assert read_counts(account_id=alice.pk, message_ids=[found])[found].total == 1


def test_of_a_mailing_the_first_are_told_and_all_are_counted(alice: Account) -> None:
    paths = [f"r{number:04}@far.test" for number in range(MAX_SHOWN + 50)]
    submit(alice, *paths)
    end(
        {
            path: Bounced("5.1.1", "550 No", MX) if path == paths[-1] else Delivered("250 Ok", MX)
            for path in paths
        }
    )
    found = status(alice)
    assert states(found)[:2] == [(paths[-1].partition("@")[0], "bounced"), ("r0000", "delivered")]
    assert (len(found.recipients), found.left_out) == (MAX_SHOWN, 50)
    assert found.counts.by_state == {RecipientState.BOUNCED: 1, RecipientState.DELIVERED: MAX_SHOWN + 49}


def test_it_is_found_by_an_index(alice: Account) -> None:
    with connection.cursor() as sql:
        sql.execute("SET LOCAL enable_seqscan = off")  # small tables are read as a whole, where they may be
        sql.execute(
            "EXPLAIN SELECT id FROM delivery_queuedmessage WHERE account_id = 1 AND message_id_field = 'x' "
            "AND message_id_field <> '' ORDER BY id DESC LIMIT 20"
        )
        plan = "\n".join(row[0] for row in sql.fetchall())
    assert "message_by_message_id" in plan
    assert "Sort" not in plan
