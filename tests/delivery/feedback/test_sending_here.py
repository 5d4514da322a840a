"""Reports of our own for addresses of this host: delivered here, and read."""

from datetime import timedelta

from pytest_django import Settings

from delivery.feedback.mailing import Addressed, Letter, acceptance_of
from delivery.models import DmarcReport, FeedbackState, QueuedRecipient
from delivery.reports.reading import read_reports
from delivery.routing import Route
from mailboxes.models import Message
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.dmarc.record import ReportUri
from tests.delivery.feedback.test_sending import count, far, only, queued, send
from tests.support.dns_server import DnsServer
from tests.support.hosting import new_account
from tests.support.observing import DAY, NEXT_MORNING, observation

__all__ = ["far"]


def test_a_report_for_an_address_here_is_delivered_here_and_read(reporting: Settings, far: DnsServer) -> None:
    alice = new_account("alice")
    domain = alice.login.partition("@")[2]
    count(*[observation(domain, uris=(ReportUri(f"mailto:{alice.login}"),))] * 4)
    assert send(far) == 1
    assert queued() == []
    [message] = Message.objects.filter(mailbox__account=alice, mailbox__name="INBOX").select_related(
        "content"
    )
    assert bytes(message.content.octets).startswith(b"Return-Path: <postmaster@mx.here.test>\r\n")
    assert read_reports(now=NEXT_MORNING) >= 1
    [kept] = DmarcReport.objects.filter(domain=domain)
    assert (kept.organization, kept.is_authentic) == ("mx.here.test", True)
    assert list(kept.rows.values_list("source_ip", "count", "is_spf_aligned")) == [("192.0.2.1", 4, True)]


def test_an_address_here_that_does_not_exist_is_passed_over(reporting: Settings, far: DnsServer) -> None:
    alice = new_account("alice")
    domain = alice.login.partition("@")[2]
    count(observation(domain, uris=(ReportUri(f"mailto:nobody@{domain}"),)))
    assert send(far) == 0
    assert only().state == FeedbackState.UNWANTED
    assert only().note.startswith(f"nobody@{domain} cannot be written to here: ")


def test_accounts_and_addresses_that_several_lead_to_get_one_copy() -> None:
    other = EmailAddress("out", "else.test")
    both = [Addressed(EmailAddress(name, "here.test"), Route((7,), (other,))) for name in ("a", "b")]
    letter = Letter(lambda to: b"", report_id="r1", kind="dmarc", reverse_path="a@b.test")
    acceptance = acceptance_of(b"", both, letter=letter)
    assert ([each.account_id for each in acceptance.judged], acceptance.relay) == ([7], (other,))


def test_two_hosts_that_report_to_each_other_send_one_report_a_day(
    reporting: Settings, far: DnsServer
) -> None:
    """What comes of a report is a message of the next day, in the one report about it."""
    for number in range(5):
        day = DAY + timedelta(days=number)
        count(observation(day=day))  # the other host's report about our report of the day before
        for hours in range(24):
            send(far, later=timedelta(days=number, hours=hours))
        assert len(queued()) == number + 1
    assert QueuedRecipient.objects.filter(forward_path="dmarc@far.test", notify="NEVER").count() >= 5
