"""An alias that leads elsewhere: its name is what the sender knows, and what notices and pages say."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from pytest_django import Settings

from delivery import bounces
from delivery.acceptance import Acceptance, accept_now
from delivery.envelope import Envelope
from delivery.models import QueuedRecipient
from delivery.queue.claim import due_parcels
from delivery.queue.outcomes import record
from delivery.queue.values import RecipientResult
from delivery.relay.outcome import Bounced, Delivered, Outcome, Peer
from delivery.routing import Route
from delivery.status import read_status
from delivery.submission.handing_in import HandIn, hand_in
from delivery.trace.asking import EVERYTHING
from delivery.trace.timeline import read_timeline
from domains.aliases import set_alias
from mailboxes.models import Account, Content, Message
from mailhost.net.store_threads import in_store
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.smtp.paths import ForwardPath, ReversePath
from tests.delivery.test_worker import bench, queue_leads_out
from tests.support.hosting import new_account
from tests.support.queueing import NOON, claim_all
from tests.support.running import run
from tests.support.smtp_sink import DEFAULT_EXTENSIONS

ID = "<1@here.test>"
KIM = EmailAddress("kim", "far.test")
TEAM = "team@here.test"

__all__ = ["queue_leads_out"]


@pytest.fixture
def alice(queue_leads_out: None) -> Account:
    return new_account("alice")


def take(sender: str, *, orcpt: str = "", account: Account | None = None, **more: Any) -> int:
    """A message to the alias that leads to kim alone."""
    accepted = accept_now(
        Acceptance(
            f"From: {sender}\r\nMessage-ID: {ID}\r\nSubject: Hello\r\n\r\n.\r\n".encode(),
            relay=(KIM,),
            reverse_path=sender,
            led_from={KIM.key: TEAM},
            submitted_by=account.pk if account else None,
            **more,
        ),
        now=NOON,
    )
    assert accepted.queued_message_id is not None
    QueuedRecipient.objects.filter(message_id=accepted.queued_message_id).update(orcpt=orcpt)
    return accepted.queued_message_id


def bounce() -> None:
    finish(Bounced("5.1.1", "550 5.1.1 <kim@far.test> unknown", Peer("mx.far.test", "192.0.2.1")))


def finish(outcome: Outcome) -> None:
    claim = claim_all()["far.test"]
    results = [
        RecipientResult(parcel.message, each, outcome)
        for parcel in due_parcels(claim=claim, limit=10, except_ids=[], now=NOON)
        for each in parcel.recipients
    ]
    record(results={claim: results}, now=NOON, random=Random(1))


def notice_to(account: Account) -> bytes:
    bounces.send_reports(now=NOON + timedelta(minutes=1), new_name=bounces.new_name)
    message = Message.objects.get(mailbox__account=account, mailbox__name="INBOX")
    return bytes(Content.objects.get(pk=message.content_id).octets)


def test_a_notice_is_about_the_address_that_was_written_to_and_names_both(alice: Account) -> None:
    """RFC 3464 section 2.3.2, RFC 3461 section 6.3 (d), (e) and (j): without ORCPT there is no Original-Recipient."""
    take(alice.login)
    bounce()
    notice = notice_to(alice)
    assert b"\r\n  team@here.test (which leads to kim@far.test)\r\n" in notice
    assert b"\r\nFinal-Recipient: rfc822; team@here.test\r\n" in notice
    assert b"\r\nSMTP-Remote-Recipient: kim@far.test\r\n" in notice
    assert b"Original-Recipient" not in notice


@pytest.mark.parametrize("is_ours", [True, False])
def test_strangers_who_ask_whether_it_arrived_do_not_learn_where_it_leads(
    alice: Account, is_ours: bool
) -> None:
    take(alice.login, account=alice if is_ours else None)
    QueuedRecipient.objects.update(notify="SUCCESS")
    finish(Delivered("250 2.0.0 Ok", Peer("mx.far.test", "192.0.2.1")))
    notice = notice_to(alice)
    assert b"\r\nFinal-Recipient: rfc822; team@here.test\r\nAction: relayed\r\n" in notice
    assert (b"kim@far.test" in notice) is is_ours


def test_an_original_recipient_is_told_as_it_came(alice: Account) -> None:
    take(alice.login, orcpt="rfc822;all@first.test")
    bounce()
    notice = notice_to(alice)
    assert (
        b"\r\nOriginal-Recipient: rfc822; all@first.test\r\nFinal-Recipient: rfc822; team@here.test\r\n"
        in notice
    )


@pytest.mark.parametrize(
    ("orcpt", "offers", "said"),
    [
        ("", True, " ORCPT=rfc822;team@here.test"),
        ("rfc822;all@first.test", True, " ORCPT=rfc822;all@first.test"),
        ("", False, ""),
    ],
)
def test_the_next_server_is_told_the_name_that_the_sender_knows(
    settings: Settings, orcpt: str, offers: bool, said: str
) -> None:
    """RFC 3461 section 5.2.1 (d): one may be added where none came, of the address in the RCPT that came here."""

    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            sink.extensions = (*DEFAULT_EXTENSIONS, *(["DSN"] if offers else []))
            await in_store(take, "alice@elsewhere.test", orcpt=orcpt)
            await b.work()
            [received] = sink.received
            assert f"RCPT TO:<kim@far.test>{said}" in received.commands

    run(scenario())


def test_its_sender_reads_which_alias_led_there(alice: Account) -> None:
    take(alice.login, account=alice)
    bounce()
    found = read_status(account_id=alice.pk, login=alice.login, message_id=ID)
    assert found is not None
    assert [(each.forward_path, each.original_path) for each in found.recipients] == [("kim@far.test", TEAM)]
    timeline = read_timeline(ID, EVERYTHING, now=NOON + timedelta(minutes=1))
    assert timeline is not None
    assert [(each.forward_paths, each.original_paths) for each in timeline.steps] == [
        (("kim@far.test",), (TEAM,))
    ]


def test_what_is_handed_in_to_an_alias_keeps_its_name(alice: Account) -> None:
    alias = EmailAddress("team", alice.login.partition("@")[2])
    set_alias(address=alias, targets=[KIM, EmailAddress("lee", "far.test")], by="test")
    given = HandIn(
        b"Subject: x\r\n\r\n", EmailAddress.parse(alice.login), (alias, EmailAddress("lee", "far.test")), ID
    )
    hand_in(given, account=alice, peer="", now=NOON)
    rows = QueuedRecipient.objects.order_by("forward_path").values_list("forward_path", "original_path")
    assert list(rows) == [("kim@far.test", str(alias)), ("lee@far.test", "")]  # lee was written to


def test_only_names_that_somebody_gave_are_kept() -> None:
    envelope = Envelope(ReversePath(None))
    paths = ("a@here.test", "b@here.test", "kim@far.test", "SRS0=x=y=far.test=lee@here.test")
    targets = (
        (KIM, EmailAddress("max", "far.test")),
        (EmailAddress("max", "far.test"),),
        (KIM,),
        (EmailAddress("lee", "far.test"),),
    )
    for path, relay in zip(paths, targets, strict=True):
        envelope.add(ForwardPath.parse(path), Route(relay=relay))
    assert envelope.led_from == {("max", "far.test"): "a@here.test"}
