"""What cannot be delivered comes back with a reason; what can wait is tried again."""

import email
import email.policy

from tests.journeys.clients import ALICE, find_by_imap, letter, submit
from tests.journeys.conftest import World

NOTICE_OF = ("HEADER", "Auto-Submitted", "auto-replied", "TEXT")


def notice(octets: bytes) -> email.message.EmailMessage:
    """A DSN as a mail client sees it."""
    return email.message_from_bytes(octets, policy=email.policy.default)


def test_a_refusal_at_the_other_end_ends_in_a_notice(world: World) -> None:
    world.sink.say("RCPT ghost@", "550 5.1.1 no ghosts here")
    submit(world, letter(sender=ALICE, to="ghost@far.test", subject="Are you there"), login=ALICE)
    report = notice(find_by_imap(world, ALICE, *NOTICE_OF, '"ghost@far.test"'))
    assert report.get_content_type() == "multipart/report"
    assert report["Auto-Submitted"] == "auto-replied"
    status = next(part for part in report.walk() if part.get_content_type() == "message/delivery-status")
    fields = status.as_string()
    assert "Final-Recipient: rfc822; ghost@far.test" in fields
    assert "Action: failed" in fields
    assert "Status: 5.1.1" in fields
    assert "no ghosts here" in report.as_string()
    assert "Are you there" in report.as_string()


def test_a_domain_that_does_not_exist_is_told_too(world: World) -> None:
    submit(world, letter(sender=ALICE, to="x@missing.test", subject="Into the void"), login=ALICE)
    report = notice(find_by_imap(world, ALICE, *NOTICE_OF, '"x@missing.test"'))
    assert "Status: 5.1.2" in report.as_string()
    assert "Into the void" in report.as_string()
