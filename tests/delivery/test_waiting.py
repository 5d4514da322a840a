"""What waits for its time leaves then, to mailboxes here as well, and not before."""

from datetime import timedelta
from random import Random

import pytest
from django.db import connection
from pytest_django import Settings

from delivery.acceptance import Acceptance, accept_now
from delivery.bounces import mark_delayed
from delivery.local_delivery import deliver_here
from delivery.models import InboundTrace, KnownRecipient, QueuedMessage, QueuedRecipient
from delivery.queue import verbs
from delivery.queue.claim import due_parcels
from delivery.queue.cleaning import remove_finished
from delivery.queue.filtering import QueueFilter
from delivery.queue.verbs import Order, Verb
from delivery.queue.waiting import release_due
from delivery.status import read_counts, read_status
from delivery.submission.holds import release_held
from delivery.trace.asking import EVERYTHING
from delivery.trace.timeline import read_timeline
from delivery.trace.wording import what_became
from delivery.worker import Worker
from domains.aliases import set_alias
from mailboxes.accounts import change_account, remove_account
from mailboxes.models import Account, Content, Message
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.smtp.dsn_parameters import NOTHING_ASKED, DsnRequest
from tests.support.dns_server import dns_server
from tests.support.hosting import new_account
from tests.support.queueing import NOON, claim_all, until_idle
from tests.support.running import run

RELEASE = NOON + timedelta(seconds=10)
OCTETS = (
    b"Return-Path: <alice@x.test>\r\nReceived: by us\r\nFrom: Alice <alice@x.test>\r\nTo: open@far.test\r\n"
    b"Subject: Hello\r\n\r\nHow are you?\r\n"
)


@pytest.fixture(autouse=True)
def empty_queue(settings: Settings, monkeypatch: pytest.MonkeyPatch, shared_db: None) -> None:
    settings.RELAY = "capture"  # what leaves for elsewhere is kept, and can be looked at
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
    with connection.cursor() as sql:
        sql.execute(
            "TRUNCATE delivery_attempt, delivery_queuedrecipient, delivery_queuedmessage, delivery_destination"
        )


@pytest.fixture
def alice() -> Account:
    return new_account("alice")


@pytest.fixture
def bob(alice: Account) -> Account:
    return new_account("bob", domain=domain(alice))


def domain(account: Account) -> str:
    return account.login.partition("@")[2]


def submit(
    sender: Account,
    *local: str,
    relay: tuple[str, ...] = (),
    dsn: DsnRequest = NOTHING_ASKED,
    is_held: bool = False,
    in_sent: bool = False,
    octets: bytes = OCTETS,
) -> int:
    accepted = accept_now(
        Acceptance(
            octets,
            relay=tuple(EmailAddress.parse(each) for each in relay),
            waiting=tuple((each, dsn) for each in local),
            reverse_path=sender.login,
            submitted_by=sender.pk,
            save_in_sent=in_sent,
            is_held=is_held,
            release_at=RELEASE,
        ),
        now=NOON,
    )
    assert accepted.queued_message_id is not None
    return accepted.queued_message_id


def work(*, seconds: float = 0) -> None:
    """A worker's rounds so long after noon, until nothing is due."""

    async def scenario() -> None:
        async with dns_server() as dns:
            worker = Worker(
                resolver=dns.resolver(),
                clock=lambda: NOON + timedelta(seconds=seconds),
                random=Random(1),
            )
            await worker.round()
            await until_idle(worker)
            await worker.close()

    run(scenario())


def inbox(account: Account) -> list[bytes]:
    return contents(account, "INBOX")


def contents(account: Account, mailbox: str) -> list[bytes]:
    messages = Message.objects.filter(mailbox__account=account, mailbox__name=mailbox).order_by("uid")
    ids = list(messages.values_list("content_id", flat=True))
    return [bytes(Content.objects.get(pk=each).octets) for each in ids]


def states() -> dict[str, str]:
    return dict(QueuedRecipient.objects.values_list("forward_path", "state"))


def test_nothing_leaves_before_its_time(alice: Account, bob: Account) -> None:
    submit(alice, bob.login, relay=("open@far.test",))
    work(seconds=9.9)
    assert inbox(bob) == []
    assert states() == {bob.login: "waiting", "open@far.test": "waiting"}


def test_all_of_it_leaves_then(alice: Account, bob: Account) -> None:
    submit(alice, bob.login, relay=("open@far.test",))
    work(seconds=10)
    assert inbox(bob) == [OCTETS]
    assert states() == {bob.login: "delivered", "open@far.test": "captured"}
    row = QueuedMessage.objects.get()
    assert (row.release_at, row.released_at) == (None, RELEASE)


def test_a_recipient_finds_it_among_its_deliveries_when_it_has_come(alice: Account, bob: Account) -> None:
    submit(alice, bob.login)
    mine = InboundTrace.objects.filter(account_id=bob.pk)
    assert not mine.exists()
    work(seconds=10)
    [noted] = mine
    assert (noted.at, noted.reverse_path, noted.forward_path) == (RELEASE, alice.login, bob.login)


def test_what_waits_is_not_cleaned_away_and_not_called_delayed(alice: Account, bob: Account) -> None:
    message_id = submit(alice, bob.login, relay=("open@far.test",))
    QueuedMessage.objects.update(release_at=NOON + timedelta(days=30))
    late = NOON + timedelta(days=29)
    assert remove_finished(now=late) == 0
    mark_delayed(now=late)
    assert not QueuedRecipient.objects.exclude(report_due="").exists()
    QueuedMessage.objects.update(release_at=late)
    release_due(now=late)
    mark_delayed(now=late + timedelta(hours=3))
    assert not QueuedRecipient.objects.exclude(report_due="").exists()
    mark_delayed(now=late + timedelta(hours=5))
    assert QueuedRecipient.objects.filter(message_id=message_id, report_due="delayed").count() == 2


@pytest.mark.parametrize("verb", [Verb.CANCEL, Verb.BOUNCE])
def test_what_an_operator_gave_up_waits_no_more_and_stands_in_sent(alice: Account, verb: Verb) -> None:
    submit(alice, relay=("open@far.test",), in_sent=True)
    order = Order(verb=verb)
    run = verbs.begin(order=order, asked=QueueFilter())
    verbs.advance(order=order, asked=QueueFilter(), run=run, by="root", now=NOON)
    work()
    assert states() == {"open@far.test": "cancelled" if verb is Verb.CANCEL else "bounced"}
    assert not QueuedMessage.objects.filter(release_at__isnull=False).exists()
    assert (len(contents(alice, "Outbox")), len(contents(alice, "Sent"))) == (0, 1)


def test_it_is_tried_as_long_as_any_other_from_then_on(alice: Account, settings: Settings) -> None:
    submit(alice, relay=("open@far.test",))
    work(seconds=10)
    row = QueuedMessage.objects.get()
    assert row.expires_at == RELEASE + timedelta(seconds=settings.QUEUE_LIFETIME_SECONDS)


def test_whom_it_went_to_is_known_when_it_has_left(alice: Account, bob: Account) -> None:
    submit(alice, bob.login, "postmaster", relay=("Open@far.test",))
    known = KnownRecipient.objects.filter(account=alice)
    assert not known.exists()
    work(seconds=10)
    assert set(known.values_list("address", flat=True)) == {bob.login, "open@far.test"}


def test_an_account_that_several_paths_lead_to_gets_one_copy(alice: Account, bob: Account) -> None:
    set_alias(
        address=EmailAddress("all", domain(alice)),
        targets=[
            EmailAddress.parse(bob.login),
            EmailAddress.parse(alice.login),
            EmailAddress("x", "far.test"),
        ],
        by="test",
    )
    submit(alice, f"all@{domain(alice)}", bob.login, relay=("x@far.test",))
    work(seconds=10)
    assert (len(inbox(bob)), len(inbox(alice))) == (1, 1)
    assert states()["x@far.test"] == "captured"
    assert QueuedMessage.objects.count() == 1  # nothing goes to x a second time


def test_an_alias_that_leads_elsewhere_as_well_is_followed_then(alice: Account, bob: Account) -> None:
    set_alias(
        address=EmailAddress("all", domain(alice)),
        targets=[EmailAddress.parse(bob.login), EmailAddress("x", "far.test")],
        by="test",
    )
    submit(alice, f"all@{domain(alice)}")
    work(seconds=10)
    assert len(inbox(bob)) == 1
    assert states() == {f"all@{domain(alice)}": "delivered", "x@far.test": "captured"}
    assert QueuedRecipient.objects.get(forward_path="x@far.test").original_path == f"all@{domain(alice)}"


def test_an_alias_that_leads_elsewhere_alone_by_then_was_not_delivered_here(
    alice: Account, bob: Account
) -> None:
    team = f"all@{domain(alice)}"
    set_alias(address=EmailAddress.parse(team), targets=[EmailAddress("x", "far.test")], by="test")
    submit(alice, team, octets=b"Message-ID: <led@here.test>\r\n" + OCTETS)
    work(seconds=10)
    assert states() == {team: "delivered", "x@far.test": "captured"}
    status = read_status(account_id=alice.pk, login=alice.login, message_id="<led@here.test>")
    assert status is not None
    assert [(each.forward_path, each.original_path) for each in status.recipients] == [("x@far.test", team)]
    assert read_counts(account_id=alice.pk, message_ids=["<led@here.test>"])["<led@here.test>"].total == 1
    timeline = read_timeline("<led@here.test>", EVERYTHING, now=NOON + timedelta(minutes=1))
    assert timeline is not None
    said = [(step.forward_paths, what_became(step.row)) for step in timeline.steps]
    assert ((team,), "led on to another host") in said
    assert "delivered here" not in {words for _, words in said}


def test_one_full_mailbox_keeps_nobody_elses_mail_back(alice: Account, bob: Account) -> None:
    full = new_account("full", domain=domain(alice))
    submit(alice, full.login, bob.login)
    change_account(account_id=full.pk, quota_octets=10, by="test")
    work(seconds=10)
    assert len(inbox(bob)) == 1
    assert states() == {full.login: "deferred", bob.login: "delivered"}
    change_account(account_id=full.pk, quota_octets=0, by="test")
    work(seconds=600)
    assert (len(inbox(full)), len(inbox(bob))) == (1, 1)


def test_a_recipient_that_has_gone_meanwhile_becomes_a_notice(alice: Account, bob: Account) -> None:
    submit(alice, bob.login)
    remove_account(account_id=bob.pk, by="test")
    work(seconds=10)
    assert states() == {bob.login: "bounced"}
    [notice] = inbox(alice)
    assert b"Action: failed" in notice
    assert b"Status: 5.1.1" in notice


def test_delivery_is_told_where_it_was_asked_for(alice: Account, bob: Account) -> None:
    submit(alice, bob.login, dsn=DsnRequest(notify="SUCCESS"))
    work(seconds=10)
    [notice] = inbox(alice)
    assert b"Action: delivered" in notice


def test_a_mailbox_that_stays_full_is_given_up_in_the_end(
    alice: Account, bob: Account, settings: Settings
) -> None:
    submit(alice, bob.login)
    change_account(account_id=bob.pk, quota_octets=10, by="test")
    work(seconds=10)
    work(seconds=settings.QUEUE_LIFETIME_SECONDS + 20)
    assert states() == {bob.login: "expired"}
    assert any(b"Action: failed" in each for each in inbox(alice))


def test_a_claim_that_is_lost_delivers_nothing(alice: Account, bob: Account) -> None:
    submit(alice, bob.login)
    release_due(now=RELEASE)
    claim = claim_all(now=RELEASE, lease_seconds=1)[""]
    [parcel] = due_parcels(claim=claim, limit=10, except_ids=[], now=RELEASE)
    later = RELEASE + timedelta(seconds=5)
    other = claim_all(now=later)[""]
    assert not deliver_here(claim=claim, parcel=parcel, now=later, random=Random(1)).is_own
    assert inbox(bob) == []
    assert deliver_here(claim=other, parcel=parcel, now=later, random=Random(1)).is_own
    assert len(inbox(bob)) == 1


def test_what_an_operator_holds_waits_for_him_and_for_its_time(alice: Account, bob: Account) -> None:
    message_id = submit(alice, bob.login, is_held=True)
    release_held(message_ids=[message_id], by="operator", now=NOON)
    assert states() == {bob.login: "waiting"}
    work(seconds=10)
    assert len(inbox(bob)) == 1
    second = submit(alice, bob.login, is_held=True)
    work(seconds=10)
    assert len(inbox(bob)) == 1
    release_held(message_ids=[second], by="operator", now=RELEASE)
    work(seconds=20)
    assert len(inbox(bob)) == 2


# Taking back
