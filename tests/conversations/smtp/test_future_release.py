"""Submission that waits: HOLDFOR and HOLDUNTIL (RFC 4865), and the undo time of an account."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from delivery.models import KnownRecipient, QueuedMessage, QueuedRecipient
from delivery.models.trace import Outcome
from delivery.submission.holds import hold_sending
from delivery.suppression_lists import suppress
from delivery.trace import Noted
from delivery.worker import Worker
from domains.aliases import set_alias
from mailboxes.accounts import change_account
from mailboxes.models import Account
from mailhost.protocols.addresses import EmailAddress
from tests.conversations.smtp.listening import Doors
from tests.conversations.smtp.reading import inbox
from tests.conversations.smtp.test_submission import SIGNED_IN, plain
from tests.support.dns_server import dns_server
from tests.support.hosting import new_account
from tests.support.queueing import until_idle
from tests.support.running import run
from tests.support.transcript import converse

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
SENT = "C: DATA\nS: 354 …\nC: From: {me}\nC: Bcc: hidden@far.test\nC: Subject: x\nC: \nC: text\nC: .\nS: 250 2.0.0 …\n"


@pytest.fixture
def alice(smtp: Doors, settings: Settings) -> Iterator[Account]:
    """At noon, and with an empty queue."""
    settings.RELAY = "capture"
    with connection.cursor() as sql:
        sql.execute(
            "TRUNCATE delivery_attempt, delivery_queuedrecipient, delivery_queuedmessage, delivery_destination"
        )
    clock, smtp.host.clock = smtp.host.clock, lambda: NOON
    yield new_account("alice")
    smtp.host.clock = clock


@pytest.fixture
def bob(alice: Account) -> Account:
    return new_account("bob", domain=alice.login.partition("@")[2])


def submit(smtp: Doors, alice: Account, script: str, *, bob: str = "", team: str = "") -> None:
    converse(
        smtp.ports.submissions,
        SIGNED_IN + script,
        tls=True,
        plain=plain(alice.login),
        me=alice.login,
        bob=bob,
        team=team,
    )


def work(*, after: timedelta) -> None:
    """A worker's rounds so long after noon."""

    async def scenario() -> None:
        async with dns_server() as dns:
            worker = Worker(resolver=dns.resolver(), clock=lambda: NOON + after, random=Random(1))
            await worker.round()
            await until_idle(worker)
            await worker.close()

    run(asyncio.wait_for(scenario(), 30))


def states() -> dict[str, str]:
    return dict(QueuedRecipient.objects.values_list("forward_path", "state"))


def test_ehlo_tells_the_longest_time_on_submission_alone(
    smtp: Doors, alice: Account, settings: Settings
) -> None:
    """RFC 4865 section 3: the keyword has the longest interval and the last moment."""
    ehlo = "S: 220 …\nC: EHLO client.test\n"
    said = ehlo + "S~ 250-FUTURERELEASE 2592000 2026-12-27T12:00:00Z\nS: 250 HELP\n"
    converse(smtp.ports.submissions, said, tls=True)
    converse(smtp.ports.smtp, ehlo + "S~ 250-LIMITS …\nS: 250-STARTTLS\nS: 250 HELP\n")
    settings.FUTURE_RELEASE_MAX_SECONDS = 0
    converse(smtp.ports.submissions, ehlo + "S~ 250-AUTH …\nS: 250 HELP\n", tls=True)


def test_what_is_held_for_a_time_leaves_then(smtp: Doors, alice: Account, bob: Account) -> None:
    """RFC 4865 section 3: HOLDFOR."""
    submit(
        smtp,
        alice,
        "C: MAIL FROM:<{me}> HOLDFOR=3600\nS: 250 2.1.0 …\nC: RCPT TO:<{bob}>\nS: 250 …\n"
        "C: RCPT TO:<x@far.test> NOTIFY=NEVER\nS: 250 …\n" + SENT,
        bob=bob.login,
    )
    work(after=timedelta(seconds=3_599))
    assert states() == {bob.login: "waiting", "x@far.test": "waiting"}
    assert not KnownRecipient.objects.filter(account=alice).exists()
    work(after=timedelta(seconds=3_600))
    assert states() == {bob.login: "delivered", "x@far.test": "captured"}
    [octets] = inbox(bob)
    assert octets.startswith(f"Return-Path: <{alice.login}>\r\nReceived: ".encode())
    assert b"Bcc" not in octets
    assert set(KnownRecipient.objects.filter(account=alice).values_list("address", flat=True)) == {
        bob.login,
        "x@far.test",
    }


def test_what_is_held_until_a_moment_leaves_then(smtp: Doors, alice: Account, bob: Account) -> None:
    """RFC 4865 section 3: HOLDUNTIL."""
    submit(
        smtp,
        alice,
        "C: MAIL FROM:<{me}> HOLDUNTIL=2026-11-27T14:00:00+01:00\nS: 250 …\nC: RCPT TO:<{bob}>\nS: 250 …\n"
        + SENT,
        bob=bob.login,
    )
    message = QueuedMessage.objects.get()
    assert message.release_at == NOON + timedelta(hours=1)
    assert message.future_release == "until;2026-11-27T14:00:00+01:00"


def test_a_time_that_cannot_be_kept_is_refused(smtp: Doors, alice: Account) -> None:
    """RFC 4865 section 4.2 (7 to 11): nothing is taken that would leave at another time; 501 with 5.5.4."""
    submit(
        smtp,
        alice,
        """
        C: MAIL FROM:<{me}> HOLDFOR=2592001
        S: 501 5.5.4 …
        C: MAIL FROM:<{me}> HOLDUNTIL=2026-12-27T12:00:01Z
        S: 501 5.5.4 …
        C: MAIL FROM:<{me}> HOLDUNTIL=2026-11-27T12:00:00Z
        S: 501 5.5.4 …
        C: MAIL FROM:<{me}> HOLDFOR=10 HOLDUNTIL=2026-11-28T12:00:00Z
        S: 501 5.5.4 …
        C: MAIL FROM:<{me}> HOLDFOR=soon
        S: 501 5.5.4 …
        C: MAIL FROM:<{me}> HOLDFOR=2592000
        S: 250 2.1.0 …
        """,
    )


def test_an_account_has_so_much_waiting_for_later_and_no_more(
    smtp: Doors, alice: Account, settings: Settings
) -> None:
    """RFC 4865 section 6: at MAIL, 552 5.7.16."""
    settings.WAITING_OCTETS_PER_ACCOUNT = 100
    later = "C: MAIL FROM:<{me}> HOLDFOR=60\nS: 250 …\nC: RCPT TO:<x@far.test>\nS: 250 …\n"
    now = later.replace(" HOLDFOR=60", "")
    full = "C: MAIL FROM:<{me}> HOLDFOR=60\nS: 552 5.7.16 …\n"
    submit(smtp, alice, later + SENT + full + now + SENT)
    work(after=timedelta(minutes=1))
    submit(smtp, alice, later + SENT)


def test_it_is_for_submission_after_auth(smtp: Doors, alice: Account, settings: Settings) -> None:
    """RFC 4865 section 3: a server for relaying does not know it."""
    ehlo = "S: 220 …\nC: EHLO client.test\nS~ 250 HELP\n"
    converse(smtp.ports.smtp, ehlo + "C: MAIL FROM:<a@b.test> HOLDFOR=10\nS: 555 5.5.4 …\n")
    converse(smtp.ports.submissions, ehlo + "C: MAIL FROM:<a@b.test> HOLDFOR=10\nS: 530 5.7.0 …\n", tls=True)
    settings.FUTURE_RELEASE_MAX_SECONDS = 0
    submit(smtp, alice, "C: MAIL FROM:<{me}> HOLDFOR=10\nS: 555 5.5.4 …\n")


def test_a_notice_says_what_was_asked(smtp: Doors, alice: Account, bob: Account) -> None:
    """RFC 4865 updates RFC 3464: Future-Release-Request."""
    submit(
        smtp,
        alice,
        "C: MAIL FROM:<{me}> HOLDFOR=60\nS: 250 …\nC: RCPT TO:<{bob}> NOTIFY=SUCCESS\nS: 250 …\n" + SENT,
        bob=bob.login,
    )
    work(after=timedelta(minutes=1))
    [notice] = inbox(alice)
    assert b"Future-Release-Request: for;60\r\n" in notice
    assert b"Action: delivered\r\n" in notice


def test_mail_of_an_account_with_an_undo_time_waits(smtp: Doors, alice: Account, bob: Account) -> None:
    change_account(account_id=alice.pk, undo_seconds=10, by="test")
    send = "C: MAIL FROM:<{me}>\nS: 250 …\nC: RCPT TO:<{bob}>\nS: 250 …\nC: RCPT TO:<x@far.test>\nS: 250 …\n"
    submit(smtp, alice, send + SENT, bob=bob.login)
    work(after=timedelta(seconds=9))
    assert (inbox(bob), set(states().values())) == ([], {"waiting"})
    work(after=timedelta(seconds=10))
    assert (len(inbox(bob)), states()["x@far.test"]) == (1, "captured")


def test_nobody_reads_of_it_among_his_deliveries_before(
    smtp: Doors, alice: Account, bob: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[Noted] = []
    monkeypatch.setattr(smtp.host, "trace", noted.extend)
    change_account(account_id=alice.pk, undo_seconds=10, by="test")
    submit(smtp, alice, "C: MAIL FROM:<{me}>\nS: 250 …\nC: RCPT TO:<{bob}>\nS: 250 …\n" + SENT, bob=bob.login)
    assert [(each.account_id, each.outcome) for each in noted] == [(None, Outcome.WAITING)]


@pytest.mark.parametrize(("asked", "seconds"), [("HOLDFOR=5", 10), ("HOLDFOR=60", 60)])
def test_the_later_of_both_times_counts(smtp: Doors, alice: Account, asked: str, seconds: int) -> None:
    change_account(account_id=alice.pk, undo_seconds=10, by="test")
    script = f"C: MAIL FROM:<{{me}}> {asked}\nS: 250 …\nC: RCPT TO:<x@far.test>\nS: 250 …\n"
    submit(smtp, alice, script + SENT)
    assert QueuedMessage.objects.get().release_at == NOON + timedelta(seconds=seconds)


def test_what_is_asked_for_a_recipient_here_waits_with_it(smtp: Doors, alice: Account, bob: Account) -> None:
    """RFC 3461: NOTIFY and ORCPT hold also for a failure that comes later."""
    change_account(account_id=alice.pk, undo_seconds=10, by="test")
    team = f"team@{alice.login.partition('@')[2]}"
    targets = [EmailAddress.parse(bob.login), EmailAddress("y", "far.test")]
    set_alias(address=EmailAddress.parse(team), targets=targets, by="test")
    submit(
        smtp,
        alice,
        "C: MAIL FROM:<{me}> ENVID=abc\nS: 250 …\nC: RCPT TO:<{team}> NOTIFY=NEVER ORCPT=rfc822;t@x.test\nS: 250 …\n"
        + SENT,
        team=team,
    )
    rows = QueuedRecipient.objects.order_by("pk").values_list("forward_path", "notify", "orcpt")
    assert list(rows) == [(team, "NEVER", "rfc822;t@x.test")]
    work(after=timedelta(seconds=10))
    onward = QueuedRecipient.objects.get(forward_path="y@far.test")
    assert (onward.notify, onward.orcpt, onward.message.envid, onward.state) == (
        "NEVER", "rfc822;t@x.test", "abc", "captured",
    )  # fmt: skip


@pytest.mark.parametrize("is_mixed", [True, False])
def test_an_alias_for_several_is_told_of_when_it_leads_on(
    smtp: Doors, alice: Account, bob: Account, is_mixed: bool
) -> None:
    """RFC 3461 section 5.2.7.3 (c), not before what waits is let go."""
    change_account(account_id=alice.pk, undo_seconds=10, by="test")
    team = f"team@{alice.login.partition('@')[2]}"
    other = EmailAddress.parse(bob.login) if is_mixed else EmailAddress("z", "far.test")
    set_alias(address=EmailAddress.parse(team), targets=[other, EmailAddress("y", "far.test")], by="test")
    script = "C: MAIL FROM:<{me}>\nS: 250 …\nC: RCPT TO:<{team}> NOTIFY=SUCCESS,FAILURE\nS: 250 …\n"
    submit(smtp, alice, script + SENT, team=team)
    assert [each.forward_path for each in QueuedRecipient.objects.all()] == [team]
    work(after=timedelta(seconds=9))
    assert inbox(alice) == []
    work(after=timedelta(seconds=10))
    assert QueuedRecipient.objects.get(forward_path="y@far.test").notify == "FAILURE"
    [notice] = inbox(alice)
    assert f"Final-Recipient: rfc822; {team}\r\nAction: expanded\r\n".encode() in notice
    said = b"Delivered here, and led on to another host" if is_mixed else b"Led on to another host"
    assert b"Diagnostic-Code: x-mailhost; " + said + b"\r\n" in notice


def test_what_an_alias_leads_on_to_is_asked_of_the_suppression_list_as_it_leaves(
    smtp: Doors, alice: Account
) -> None:
    """Whatever was asked of notices: an alias of which success is to be told is looked up only then."""
    change_account(account_id=alice.pk, undo_seconds=10, by="test")
    team = f"team@{alice.login.partition('@')[2]}"
    targets = [EmailAddress("y", "far.test"), EmailAddress("z", "far.test")]
    set_alias(address=EmailAddress.parse(team), targets=targets, by="test")
    script = "C: MAIL FROM:<{me}>\nS: 250 …\nC: RCPT TO:<{team}> NOTIFY=SUCCESS,FAILURE\nS: 250 …\n"
    submit(smtp, alice, script + SENT, team=team)
    suppress(address=targets[0], account_id=alice.pk, by="test", now=NOON)
    work(after=timedelta(seconds=10))
    assert states() == {team: "delivered", "y@far.test": "bounced", "z@far.test": "captured"}
    told = f"Final-Recipient: rfc822; {team}\r\nAction: failed\r\n".encode()
    [notice] = [each for each in inbox(alice) if told in each]
    assert f"  {team} (which leads to y@far.test)\r\n".encode() in notice


def test_what_is_held_for_an_operator_is_in_no_quarantine_before_its_time(
    smtp: Doors, alice: Account, bob: Account
) -> None:
    change_account(account_id=alice.pk, undo_seconds=10, by="test")
    hold_sending(account_id=alice.pk, reason="odd", by="test", now=NOON)
    submit(smtp, alice, "C: MAIL FROM:<{me}>\nS: 250 …\nC: RCPT TO:<{bob}>\nS: 250 …\n" + SENT, bob=bob.login)
    work(after=timedelta(seconds=20))
    assert (inbox(bob), states()) == ([], {bob.login: "held"})
