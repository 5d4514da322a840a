"""What came back is noted once, with whose it was, and only of what another host had taken."""

from datetime import timedelta

import pytest

from delivery.causes import read_problems_of
from delivery.models import Attempt, QueuedMessage, QueuedRecipient, ReturnedKind, ReturnedMail
from delivery.returned import forget_returned, note_returned
from mailhost.protocols.bounce_causes import Cause
from tests.support.hosting import new_account
from tests.support.queueing import NOON, queue

pytestmark = pytest.mark.django_db


def sent(**changes: object) -> QueuedRecipient:
    """A recipient whose host has taken the message."""
    queue("bob@far.test", reverse_path="alice@Elsewhere.test")
    QueuedRecipient.objects.update(**({"state": "delivered", "attempts": 1} | changes))
    return QueuedRecipient.objects.get()


def note(recipient: QueuedRecipient, kind: ReturnedKind = ReturnedKind.BOUNCE, **more: object) -> bool:
    return note_returned(kind=kind, recipient_id=recipient.pk, now=NOON, **more)  # type: ignore[arg-type]


def test_it_says_whose_mail_it_was_and_why_it_came_back() -> None:
    recipient, alice = sent(), new_account("alice")
    QueuedMessage.objects.update(account=alice, message_id_field="<1@here.test>")
    assert note(
        recipient, cause=Cause.FULL, status="5.2.2", diagnostic="552 full\0\ud800", reporter="mx.far.test"
    )
    [row] = ReturnedMail.objects.all()
    assert (row.kind, row.queued_recipient_id, row.account_id) == ("bounce", recipient.pk, alice.pk)
    assert (row.domain, row.reverse_path) == ("elsewhere.test", "alice@Elsewhere.test")
    assert (row.forward_path, row.message_id) == ("bob@far.test", "<1@here.test>")
    assert (row.status, row.cause, row.diagnostic) == ("5.2.2", "full", "552 full?")
    assert (row.reporter, row.is_proven, row.at) == ("mx.far.test", False, NOON)


def test_what_was_forwarded_is_its_forwarders_whoever_wrote_it() -> None:
    """Where an alias leads is nothing to the administrators of the writer's domain, which anybody can name."""
    recipient = sent()
    QueuedMessage.objects.update(forwarded_by="alias.test")
    assert note(recipient, cause=Cause.FULL, is_proven=True)
    assert ReturnedMail.objects.get().domain == "alias.test"
    assert read_problems_of(domains=["elsewhere.test"], now=NOON).groups == ()
    assert len(read_problems_of(domains=["alias.test"], now=NOON).groups) == 1


def test_each_kind_is_noted_once() -> None:
    recipient = sent()
    assert note(recipient)
    assert not note(recipient, cause=Cause.FULL)
    assert note(recipient, ReturnedKind.COMPLAINT)
    assert ReturnedMail.objects.count() == 2


@pytest.mark.parametrize("certainty", ["is_proven", "is_vouched_for"])
def test_what_is_beyond_doubt_takes_the_place_of_hearsay(certainty: str) -> None:
    """Nobody keeps a notice away by being there before it with another."""
    recipient = sent()
    assert note(recipient, cause=Cause.FULL, diagnostic="forged", reporter="evil.test")
    assert not note(recipient, cause=Cause.DISABLED, diagnostic="again")
    assert note(
        recipient,
        cause=Cause.NO_SUCH_USER,
        diagnostic="550",
        tells_sender=True,
        is_proven=certainty == "is_proven",
        is_vouched_for=certainty == "is_vouched_for",
    )
    [row] = ReturnedMail.objects.all()
    assert (row.cause, row.diagnostic, row.reporter) == ("no-such-user", "550", "")
    assert getattr(row, certainty)
    assert QueuedRecipient.objects.get().report_due == "failed"
    assert not note(recipient, cause=Cause.FULL)
    assert not note(recipient, cause=Cause.FULL, is_proven=True)
    assert not note(recipient, cause=Cause.FULL, is_vouched_for=True)
    events = (
        Attempt.objects.filter(recipient_id=recipient.pk).order_by("pk").values_list("outcome", flat=True)
    )
    assert list(events) == ["hearsay", "returned"]


@pytest.mark.parametrize(
    "changes", [{"state": "queued", "attempts": 1}, {"state": "bounced"}, {"attempts": 0}], ids=str
)
def test_what_no_host_has_taken_cannot_come_back(changes: dict[str, object]) -> None:
    assert not note(sent(**changes), tells_sender=True)
    assert not ReturnedMail.objects.exists()
    assert QueuedRecipient.objects.get().report_due == ""


@pytest.mark.parametrize(
    ("notify", "report_due"), [("", "failed"), ("failure,delay", "failed"), ("SUCCESS", ""), ("NEVER", "")]
)
def test_the_sender_is_told_where_it_asks_for_failures(notify: str, report_due: str) -> None:
    assert note(sent(notify=notify), tells_sender=True)
    assert QueuedRecipient.objects.get().report_due == report_due


def test_the_null_reverse_path_is_told_nothing() -> None:
    recipient = sent()
    QueuedMessage.objects.update(reverse_path="")
    assert note(recipient, tells_sender=True)
    assert QueuedRecipient.objects.get().report_due == ""


def test_it_is_forgotten_in_time() -> None:
    note(sent())
    forget_returned(now=NOON + timedelta(days=89), days=90)
    assert ReturnedMail.objects.exists()
    forget_returned(now=NOON + timedelta(days=91), days=90)
    assert not ReturnedMail.objects.exists()
