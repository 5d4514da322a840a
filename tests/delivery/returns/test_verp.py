"""Bounce addresses from end to end: sent with, and what comes to one; nobody else's mail is led anywhere."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from delivery import bounces
from delivery.acceptance import Acceptance, accept_now
from delivery.models import Attempt, QueuedMessage, QueuedRecipient, ReturnedMail
from domains.aliases import set_alias
from mailboxes.models import Account, Content, Message
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.smtp.dsn_parameters import DsnRequest
from tests.conversations.smtp.listening import Doors
from tests.conversations.smtp.test_filters import filtered as filtered
from tests.delivery.test_worker import bench
from tests.delivery.test_worker import queue_leads_out as queue_leads_out
from tests.support.hosting import new_account, new_domain
from tests.support.returning import FULL, failed, notice
from tests.support.running import run
from tests.support.smtp_sink import Received
from tests.support.transcript import converse

GREETED = "S: 220 …\nC: EHLO client.test\nS~ 250 HELP\n"
DELAYED = "Action: delayed\nStatus: 4.4.1\n"


@pytest.fixture(autouse=True)
def verp(settings: Settings) -> None:
    settings.VERP = True


@pytest.fixture
def alice(filtered: Doors) -> Account:
    ReturnedMail.objects.all().delete()
    return new_account("alice")


def submit(
    sender: Account, *paths: str, notify: str = "", reverse_path: str | None = None, by: str = ""
) -> None:
    relay = tuple(EmailAddress.parse(each) for each in paths)
    asked = {each.key: DsnRequest(notify, "") for each in relay}
    accept_now(
        Acceptance(
            b"Message-ID: <1@here.test>\r\nSubject: Hello\r\n\r\nHow are you?\r\n",
            relay=relay,
            reverse_path=sender.login if reverse_path is None else reverse_path,
            submitted_by=sender.pk,
            dsn_requests=asked,
            forwarded_by=by,
            ret="FULL",
        )
    )


def work(settings: Settings, *domains: str) -> list[Received]:
    """What the hosts of these domains get, now; what came here is settled too."""
    received: list[Received] = []

    async def scenario() -> None:
        async with bench(settings) as b, b.server(*domains) as sink:
            b.now = timezone.now() + timedelta(seconds=1)
            await b.work()
            received.extend(sink.received)

    run(scenario())
    return received


def bring(doors: Doors, recipient: str, octets: bytes, *, sender: str = "", reply: str = "250 2.0.0") -> None:
    lines = "".join(f"C: {line}\n" for line in octets.decode().splitlines())
    converse(
        doors.ports.smtp,
        f"{GREETED}C: MAIL FROM:<{sender}>\nS: 250 …\nC: RCPT TO:<{recipient}>\nS: 250 2.1.5 …\n"
        f"C: DATA\nS: 354 …\n{lines}C: .\nS: {reply} …\n",
    )


def refused(doors: Doors, recipient: str, reply: str, *, sender: str = "") -> None:
    converse(
        doors.ports.smtp,
        f"{GREETED}C: MAIL FROM:<{sender}>\nS: 250 …\nC: RCPT TO:<{recipient}>\nS: {reply} …\n",
    )


def tell() -> None:
    bounces.send_reports(now=timezone.now(), new_name=bounces.new_name)


def inbox(account: Account) -> list[bytes]:
    rows = Message.objects.filter(mailbox__account=account, mailbox__name="INBOX").order_by("uid")
    return [bytes(Content.objects.get(pk=each.content_id).octets) for each in rows]


def sent(settings: Settings, sender: Account, *paths: str, **more: str) -> list[Received]:
    submit(sender, *paths, **more)
    return work(settings, "far.test")


def test_each_recipient_has_a_reverse_path_of_its_own(settings: Settings, alice: Account) -> None:
    received = sent(settings, alice, "bob@far.test", "carol@far.test")
    assert sorted(each.forward_paths for each in received) == [["bob@far.test"], ["carol@far.test"]]
    domain = alice.login.partition("@")[2]
    for each in received:
        assert re.fullmatch(
            rf"verp=[a-z2-7]{{2}}=[0-9a-v]+=[0-9a-v]+=[a-z2-7]{{16}}@{domain}", each.reverse_path
        )
    assert len({each.reverse_path for each in received}) == 2
    assert QueuedMessage.objects.get().reverse_path == alice.login
    assert set(QueuedRecipient.objects.values_list("state", flat=True)) == {"delivered"}


def test_without_the_setting_nothing_changes(settings: Settings, alice: Account) -> None:
    settings.VERP = False
    [received] = sent(settings, alice, "bob@far.test", "carol@far.test")
    assert (received.reverse_path, len(received.forward_paths)) == (alice.login, 2)


@pytest.mark.parametrize(
    ("reverse_path", "by"), [("", ""), ("ann@elsewhere.test", ""), ("ann@elsewhere.test", "fwd.test")]
)
def test_it_is_for_mail_of_senders_here_alone(
    reverse_path: str, by: str, settings: Settings, alice: Account
) -> None:
    [received] = sent(settings, alice, "bob@far.test", "carol@far.test", reverse_path=reverse_path, by=by)
    assert not received.reverse_path.startswith("verp=")
    assert len(received.forward_paths) == 2


def test_a_bounce_is_noted_and_told_in_our_words(settings: Settings, filtered: Doors, alice: Account) -> None:
    """Whatever it quotes: the address is enough."""
    [received] = sent(settings, alice, "bob@far.test")
    bring(filtered, received.reverse_path, notice(failed("robert@further.test", FULL), returned="X-Y: z"))
    assert inbox(alice) == []
    work(settings)
    [row] = ReturnedMail.objects.all()
    assert (row.forward_path, row.account_id, row.cause, row.is_proven) == (
        "bob@far.test",
        alice.pk,
        "full",
        True,
    )
    tell()
    [told] = inbox(alice)
    for words in (
        b"Final-Recipient: rfc822; bob@far.test\r\n",
        b"Action: failed\r\nStatus: 5.2.2\r\n",
        b"Diagnostic-Code: smtp; 552 5.2.2 The mailbox is full\r\n",
        b"had taken the message, and it came back later.",
        b"What happened: The recipient's mailbox is full.",
        b"Content-Type: message/rfc822\r\n",
        b"\r\nHow are you?\r\n",
    ):
        assert words in told
    taken = QueuedRecipient.objects.get(destination__name="")
    assert (taken.state, taken.last_reply) == ("delivered", "Noted with the message that it is about")


def test_the_same_bounce_again_is_told_once(settings: Settings, filtered: Doors, alice: Account) -> None:
    [received] = sent(settings, alice, "bob@far.test")
    for _ in range(2):
        bring(
            filtered,
            received.reverse_path.upper(),
            notice(failed("bob@far.test")),
            sender="MAILER-DAEMON@far.test",
        )
        work(settings)
        tell()
    assert (ReturnedMail.objects.count(), len(inbox(alice))) == (1, 1)


def test_who_asked_for_no_failures_is_told_of_none(
    settings: Settings, filtered: Doors, alice: Account
) -> None:
    [received] = sent(settings, alice, "bob@far.test", notify="NEVER")
    bring(filtered, received.reverse_path, notice(failed("bob@far.test")))
    work(settings)
    tell()
    assert (ReturnedMail.objects.count(), inbox(alice)) == (1, [])


def test_a_bounce_that_is_faster_than_its_own_250_waits_for_it(
    settings: Settings, filtered: Doors, alice: Account
) -> None:
    [received] = sent(settings, alice, "bob@far.test")
    own = QueuedRecipient.objects.filter(forward_path="bob@far.test")
    own.update(state="queued", next_attempt_at=timezone.now() + timedelta(days=1))
    bring(filtered, received.reverse_path, notice(failed("bob@far.test")))
    work(settings)
    assert not ReturnedMail.objects.exists()
    assert QueuedRecipient.objects.get(destination__name="").state == "deferred"
    own.update(state="delivered")
    QueuedRecipient.objects.filter(destination__name="").update(next_attempt_at=timezone.now())
    QueuedRecipient.objects.get(destination__name="").destination.__class__.objects.update(
        next_attempt_at=timezone.now()
    )
    work(settings)
    assert ReturnedMail.objects.count() == 1


def test_nobody_is_told_that_a_report_did_not_arrive(
    settings: Settings, filtered: Doors, alice: Account
) -> None:
    """Who has got a message knows its bounce address, and may write there as the mail system of whom it likes."""
    [received] = sent(settings, alice, "bob@far.test")
    bring(
        filtered,
        received.reverse_path,
        notice(failed("bob@far.test")),
        sender="MAILER-DAEMON@victim.test",
    )
    settings.VERP_DAYS = -30  # it has expired meanwhile
    work(settings)
    assert QueuedRecipient.objects.get(destination__name="").state == "bounced"
    tell()
    assert not QueuedRecipient.objects.filter(forward_path__iendswith="@victim.test").exists()


def test_what_is_no_longer_kept_is_let_go(settings: Settings, filtered: Doors, alice: Account) -> None:
    [received] = sent(settings, alice, "bob@far.test")
    Attempt.objects.all().delete()
    QueuedMessage.objects.all().delete()
    bring(filtered, received.reverse_path, notice(failed("bob@far.test")))
    work(settings)
    assert (inbox(alice), ReturnedMail.objects.exists()) == ([], False)
    assert QueuedRecipient.objects.get().state == "delivered"


def test_forged_and_expired_addresses_are_no_addresses(
    settings: Settings, filtered: Doors, alice: Account
) -> None:
    [received] = sent(settings, alice, "bob@far.test")
    made, domain = received.reverse_path.rsplit("@", 1)
    set_alias(address=EmailAddress("*", domain), targets=[EmailAddress.parse("catch@far.test")], by="test")
    for forged in (made[:-1] + ("a" if made[-1] != "a" else "b"), "verp=aa=1=1=aaaaaaaaaaaaaaaa", "verp=x"):
        refused(filtered, f"{forged}@{domain}", "550 5.1.1")  # not even by the catch-all
    refused(filtered, f"{made}@{new_domain()}", "550 5.1.1")
    refused(filtered, f"{made}@elsewhere.test", "550 5.7.1")
    refused(filtered, received.reverse_path, "550 5.7.1", sender="bob@far.test")
    settings.VERP_DAYS = -30
    refused(filtered, received.reverse_path, "550 5.1.1")


def test_two_bounces_in_one_transaction_are_two(settings: Settings, filtered: Doors, alice: Account) -> None:
    first, second = sent(settings, alice, "bob@far.test", "carol@far.test")
    lines = "".join(f"C: {line}\n" for line in notice(failed("x@far.test")).decode().splitlines())
    converse(
        filtered.ports.smtp,
        f"{GREETED}C: MAIL FROM:<>\nS: 250 …\nC: RCPT TO:<{first.reverse_path}>\nS: 250 …\n"
        f"C: RCPT TO:<{second.reverse_path}>\nS: 250 …\nC: RCPT TO:<{alice.login}>\nS: 250 …\n"
        f"C: DATA\nS: 354 …\n{lines}C: .\nS: 250 2.0.0 …\n",
    )
    work(settings)
    assert ReturnedMail.objects.count() == 2
    assert len(inbox(alice)) == 1
