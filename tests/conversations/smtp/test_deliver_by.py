"""BY at the doors (RFC 2852): kept with the message on submission, and known nowhere else."""

from datetime import timedelta

from delivery.models import QueuedMessage
from mailboxes.accounts import change_account
from mailboxes.models import Account
from tests.conversations.smtp.listening import Doors
from tests.conversations.smtp.test_future_release import NOON, SENT, alice, submit
from tests.support.transcript import converse

__all__ = ["alice"]


def test_what_is_asked_is_kept(smtp: Doors, alice: Account) -> None:
    submit(smtp, alice, "C: MAIL FROM:<{me}> BY=600;RT\nS: 250 …\nC: RCPT TO:<x@far.test>\nS: 250 …\n" + SENT)
    message = QueuedMessage.objects.get()
    assert (message.deliver_by, message.deliver_by_mode) == (NOON + timedelta(minutes=10), "RT")


def test_a_time_that_would_be_over_before_the_message_leaves_is_refused(smtp: Doors, alice: Account) -> None:
    """RFC 2852 section 4 for mode R without a time; RFC 4865 section 5.2.2 for both extensions, in either mode."""
    submit(
        smtp,
        alice,
        "C: MAIL FROM:<{me}> BY=0;R\nS: 501 5.5.4 …\n"
        "C: MAIL FROM:<{me}> BY=600;R HOLDFOR=600\nS: 501 5.5.4 …\n"
        "C: MAIL FROM:<{me}> BY=600;N HOLDFOR=601\nS: 501 5.5.4 …\n"
        "C: MAIL FROM:<{me}> BY=601;N HOLDFOR=600\nS: 250 …\n",
    )


def test_it_is_to_be_longer_than_the_time_to_undo(smtp: Doors, alice: Account) -> None:
    change_account(account_id=alice.pk, undo_seconds=60, by="test")
    refused = SENT.replace("250 2.0.0", "554 5.4.7")
    to = "C: RCPT TO:<x@far.test>\nS: 250 …\n"
    submit(smtp, alice, "C: MAIL FROM:<{me}> BY=60;R\nS: 250 …\n" + to + refused)
    assert not QueuedMessage.objects.exists()
    for by in ("61;R", "30;N"):  # mode N is told of, and waits on
        submit(smtp, alice, f"C: MAIL FROM:<{{me}}> BY={by}\nS: 250 …\n" + to + SENT)
    assert QueuedMessage.objects.filter(release_at=NOON + timedelta(minutes=1)).count() == 2


def test_it_is_not_known_to_strangers(smtp: Doors) -> None:
    converse(
        smtp.ports.smtp,
        "S: 220 …\nC: EHLO client.test\nS~ 250 HELP\nC: MAIL FROM:<a@far.test> BY=600;N\nS: 555 5.5.4 …\n",
    )
