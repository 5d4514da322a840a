"""What MAIL and RCPT ask for about notifications (RFC 3461), and REQUIRETLS (RFC 8689), up to the queue."""

from datetime import UTC, datetime

import pytest
from pytest_django.fixtures import Settings

from delivery import bounces
from delivery.models import Destination, QueuedMessage
from mailboxes.models import Account
from tests.conversations.smtp.listening import Doors
from tests.conversations.smtp.reading import inbox
from tests.conversations.smtp.test_inbound import alias
from tests.support.hosting import new_account
from tests.support.transcript import converse

GREETED = "S: 220 …\nC: EHLO client.test\nS~ 250 HELP\n"
SENT = "C: DATA\nS: 354 …\nC: Subject: x\nC: \nC: .\nS: 250 2.0.0 …\n"


@pytest.fixture
def alice(smtp: Doors) -> Account:
    return new_account("alice")


@pytest.fixture
def team(alice: Account) -> str:
    """An alias that leads to somebody elsewhere, and to alice."""
    address = f"team@{alice.login.partition('@')[2]}"
    alias(address, f"bob@{alice.login.replace('@', '.')}.far.test", alice.login)
    return address


def queued(team: str) -> QueuedMessage:
    domain = f"alice.{team.partition('@')[2]}.far.test"
    return QueuedMessage.objects.get(recipients__destination__name=domain)


def test_what_is_asked_for_is_kept_with_the_queued_message(smtp: Doors, team: str) -> None:
    """RFC 3461 section 5.2.7.3 (c): an alias for several hands on what was asked for, and tells of success itself."""
    converse(
        smtp.ports.smtp,
        GREETED
        + """
        C: MAIL FROM:<sender@elsewhere.test> RET=HDRS ENVID=QQ314159
        S: 250 2.1.0 …
        C: RCPT TO:<{team}> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;team+2Bx@{domain}
        S: 250 2.1.5 …
        """
        + SENT,
        team=team,
        domain="first.test",
    )
    message = queued(team)
    assert (message.ret, message.envid, message.requires_tls) == ("HDRS", "QQ314159", False)
    recipient = message.recipients.exclude(state="delivered").get()
    assert (recipient.notify, recipient.orcpt) == ("FAILURE", "rfc822;team+2Bx@first.test")
    expanded = message.recipients.get(state="delivered")
    assert (expanded.forward_path, expanded.report_due) == (team, "relayed")


def test_nothing_asked_is_kept_as_nothing(smtp: Doors, team: str) -> None:
    converse(
        smtp.ports.smtp,
        GREETED + "C: MAIL FROM:<sender@elsewhere.test>\nS: 250 …\nC: RCPT TO:<{team}>\nS: 250 …\n" + SENT,
        team=team,
    )
    recipient = queued(team).recipients.get()
    assert (recipient.notify, recipient.orcpt, recipient.message.ret, recipient.message.envid) == ("",) * 4
    assert recipient.original_path == team


@pytest.mark.parametrize(
    "parameters",
    [
        "RET=BODY",  # section 4.3
        "RET=FULL RET=FULL",
        "ENVID=a+zz",  # section 4.4: xtext
        "ENVID=" + "x" * 101,
    ],
)
def test_mail_with_parameters_that_make_no_sense(smtp: Doors, parameters: str) -> None:
    converse(smtp.ports.smtp, f"{GREETED}C: MAIL FROM:<a@b.test> {parameters}\nS: 501 5.5.4 …")


@pytest.mark.parametrize(
    "parameters",
    [
        "NOTIFY=NEVER,SUCCESS",  # section 4.1: NEVER stands alone
        "NOTIFY=ALWAYS",
        "NOTIFY=DELAY NOTIFY=DELAY",
        "ORCPT=nobody@far.test",  # section 4.2: a type first
        "ORCPT=rfc822;a+0D+0Ab",
    ],
)
def test_rcpt_with_parameters_that_make_no_sense(smtp: Doors, alice: Account, parameters: str) -> None:
    script = f"C: MAIL FROM:<a@b.test>\nS: 250 …\nC: RCPT TO:<{{alice}}> {parameters}\nS: 501 5.5.4 …"
    converse(smtp.ports.smtp, GREETED + script, alice=alice.login)


def test_requiretls_is_offered_and_taken_under_tls_alone(smtp: Doors, team: str) -> None:
    """RFC 8689 section 3."""
    converse(
        smtp.ports.smtp,
        GREETED
        + """
        C: MAIL FROM:<sender@elsewhere.test> REQUIRETLS
        S: 530 5.7.10 …
        C: STARTTLS
        S: 220 …
        =: TLS
        C: EHLO client.test
        S~ 250-REQUIRETLS
        S~ 250 HELP
        C: MAIL FROM:<sender@elsewhere.test> REQUIRETLS=yes
        S: 501 5.5.4 …
        C: MAIL FROM:<sender@elsewhere.test> REQUIRETLS
        S: 250 …
        C: RCPT TO:<{team}>
        S: 250 …
        """
        + SENT,
        team=team,
    )
    assert queued(team).requires_tls


@pytest.mark.parametrize(
    ("parameter", "field", "asks", "ignores"),
    [
        ("", "TLS-Required: No", False, True),
        (" REQUIRETLS", "TLS-Required: No", True, False),  # the parameter counts before the field
        ("", "TLS-Required: Yes", False, False),
    ],
)
def test_the_field_of_a_message_is_kept_with_it(
    smtp: Doors, team: str, parameter: str, field: str, asks: bool, ignores: bool
) -> None:
    """RFC 8689 section 4.1, of a message that an alias leads on."""
    converse(
        smtp.ports.smtp,
        GREETED
        + """
        C: STARTTLS
        S: 220 …
        =: TLS
        C: EHLO client.test
        S~ 250 HELP
        C: MAIL FROM:<sender@elsewhere.test>{parameter}
        S: 250 …
        C: RCPT TO:<{team}>
        S: 250 …
        """
        + SENT.replace("Subject: x", "{field}"),
        team=team,
        parameter=parameter,
        field=field,
    )
    message = queued(team)
    assert (message.requires_tls, message.ignores_tls) == (asks, ignores)


def round_of_notices() -> None:
    bounces.send_reports(now=datetime.now(UTC), new_name=bounces.new_name)


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_a_delivery_here_is_confirmed_where_it_was_asked_for(
    smtp: Doors, alice: Account, settings: Settings, is_confirmed: bool
) -> None:
    """RFC 3461 section 5.2.2: NOTIFY=SUCCESS, once, in the words of the sender."""
    settings.SMTP_CONFIRM_DELIVERY = is_confirmed
    bob = new_account("bob")
    converse(
        smtp.ports.smtp,
        GREETED
        + """
        C: MAIL FROM:<{bob}> RET=FULL ENVID=QQ+2B1
        S: 250 …
        C: RCPT TO:<{alice}> NOTIFY=SUCCESS ORCPT=rfc822;First@elsewhere.test
        S: 250 …
        """
        + SENT,
        alice=alice.login,
        bob=bob.login,
    )
    [delivered] = inbox(alice)
    # RFC 8098 section 2.3: an MDN can name whom the sender wrote to.
    assert delivered.startswith(
        f"Return-Path: <{bob.login}>\r\nOriginal-Recipient: rfc822; First@elsewhere.test\r\n".encode()
    )
    round_of_notices()
    round_of_notices()
    if not is_confirmed:
        assert inbox(bob) == []
        return
    [notice] = inbox(bob)
    for words in (
        b"Subject: Your message was delivered\r\n",
        b"Original-Envelope-Id: QQ+1\r\n",
        b"Original-Recipient: rfc822; First@elsewhere.test\r\n",
        f"Final-Recipient: rfc822; {alice.login}\r\n".encode(),
        b"Action: delivered\r\nStatus: 2.1.5\r\n",  # RFC 3463 section 3.2
        b"Content-Type: text/rfc822-headers\r\n",  # section 4.3: RET=FULL is about failures
    ):
        assert words in notice
    assert Destination.objects.get(name=alice.login.partition("@")[2]).next_attempt_at is None


def test_an_alias_for_several_is_told_of_as_expanded(smtp: Doors, alice: Account) -> None:
    """RFC 3461 section 5.2.7.3 (c), RFC 3464 section 2.3.3: once, and nothing more of success from anybody."""
    bob = new_account("bob")
    domain = alice.login.partition("@")[2]
    both = f"both@{domain}"
    alias(both, f"x@x.{domain}.far.test", f"y@y.{domain}.far.test")
    script = """
    C: MAIL FROM:<{bob}> RET=HDRS ENVID=E1
    S: 250 …
    C: RCPT TO:<{both}> NOTIFY=SUCCESS ORCPT=rfc822;{both}
    S: 250 …
    """
    converse(smtp.ports.smtp, GREETED + script + SENT, bob=bob.login, both=both)
    message = QueuedMessage.objects.get(recipients__destination__name=f"x.{domain}.far.test")
    onward = message.recipients.exclude(state="delivered")
    assert [(each.notify, each.orcpt) for each in onward] == [("NEVER", f"rfc822;{both}")] * 2
    assert (message.ret, message.envid) == ("HDRS", "E1")
    round_of_notices()
    round_of_notices()
    [notice] = inbox(bob)
    assert f"Final-Recipient: rfc822; {both}\r\nAction: expanded\r\nStatus: 2.1.5\r\n".encode() in notice
    assert b"These addresses stand for several others" in notice
    assert b"you get another notice, unless you asked for none." in notice


def test_an_alias_for_one_hands_on_all_that_was_asked(smtp: Doors, alice: Account) -> None:
    """RFC 3461 section 5.2.7.2: and nothing is told of it here."""
    domain = alice.login.partition("@")[2]
    alias(f"one@{domain}", f"x@x.{domain}.far.test")
    script = "C: MAIL FROM:<s@elsewhere.test>\nS: 250 …\nC: RCPT TO:<{one}> NOTIFY=SUCCESS,DELAY\nS: 250 …\n"
    converse(smtp.ports.smtp, GREETED + script + SENT, one=f"one@{domain}")
    message = QueuedMessage.objects.get(recipients__destination__name=f"x.{domain}.far.test")
    assert message.recipients.get().notify == "SUCCESS,DELAY"


def test_a_notice_asks_for_no_notice(smtp: Doors, alice: Account) -> None:
    """RFC 3461 section 6.1: the null reverse-path, NOTIFY=NEVER, and no RET."""
    path = f"s@{alice.login.partition('@')[2]}.far.test"
    script = f"C: MAIL FROM:<{path}> RET=FULL ENVID=E2\nS: 250 …\nC: RCPT TO:<{{alice}}> NOTIFY=SUCCESS\nS: 250 …\n"
    converse(smtp.ports.smtp, GREETED + script + SENT, alice=alice.login)
    round_of_notices()
    notice = QueuedMessage.objects.get(recipients__forward_path=path)
    assert (notice.reverse_path, notice.ret, notice.envid) == ("", "", "")
    assert notice.recipients.get().notify == "NEVER"


def test_nobody_is_told_of_a_message_with_the_null_reverse_path(smtp: Doors, alice: Account) -> None:
    """RFC 3461 section 6.1."""
    script = "C: MAIL FROM:<>\nS: 250 …\nC: RCPT TO:<{alice}> NOTIFY=SUCCESS\nS: 250 …\n"
    converse(smtp.ports.smtp, GREETED + script + SENT, alice=alice.login)
    domain = alice.login.partition("@")[2]
    assert not QueuedMessage.objects.filter(recipients__destination__name=domain).exists()


def test_what_was_said_of_one_recipient_is_told_to_no_other(smtp: Doors, alice: Account, team: str) -> None:
    """RFC 8098 section 2.3: neither in a copy of several, nor in one that leaves."""
    other = new_account("carol").login
    for paths in ((alice.login, other), (team,)):
        recipients = "".join(f"C: RCPT TO:<{path}> ORCPT=rfc822;{path}\nS: 250 …\n" for path in paths)
        converse(smtp.ports.smtp, GREETED + "C: MAIL FROM:<a@b.test>\nS: 250 …\n" + recipients + SENT)
    assert len(inbox(alice)) == 2
    assert b"Original-Recipient" not in b"".join(inbox(alice))


def test_a_message_that_is_refused_is_not_confirmed(smtp: Doors, alice: Account) -> None:
    script = "C: MAIL FROM:<a@b.test>\nS: 250 …\nC: RCPT TO:<{alice}> NOTIFY=SUCCESS\nS: 250 …\nC: DATA\nS: 354 …\n"
    circles = "C: Received: x\n" * 101 + "C: .\nS: 554 5.4.6 …"
    converse(smtp.ports.smtp, GREETED + script + circles, alice=alice.login)
    assert not QueuedMessage.objects.filter(reverse_path="a@b.test", recipients__state="delivered").exists()
