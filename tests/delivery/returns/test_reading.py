"""Bounces and complaints in mailboxes: matched to what was sent, noted once, and forged ones change nothing."""

from typing import Any

import pytest
from django.db import connection

from delivery.acceptance import Acceptance, accept_now
from delivery.models import QueuedMessage, QueuedRecipient, ReturnedMail
from delivery.queue.claim import due_parcels
from delivery.relay.parcel import Parcel
from delivery.returns import reading
from delivery.returns.addresses import with_bounce_addresses
from delivery.returns.matching import BY_ORIGINAL, MAX_FOUND, _quoted
from delivery.returns.reading import read_returned
from mailboxes.models import Account, Message
from mailhost.net.database import cursor
from mailhost.protocols.addresses import EmailAddress
from tests.support.hosting import new_account
from tests.support.queueing import NOON, claim_all
from tests.support.returning import FULL, bring, complaint, failed, notice

pytestmark = pytest.mark.django_db
Returned = list[tuple[str, str, str]]


@pytest.fixture(autouse=True)
def read_so_far(empty_queue: None) -> None:
    read_returned(now=NOON)


@pytest.fixture
def alice() -> Account:
    return new_account("alice")


def send(
    sender: Account, *paths: str, message_id: str = "<1@here.test>", envid: str = "", orcpt: str = ""
) -> int:
    """What other hosts have taken."""
    octets = f"From: {sender.login}\r\nMessage-ID: {message_id}\r\n\r\n.\r\n".encode()
    relay = tuple(EmailAddress.parse(each) for each in paths)
    accepted = accept_now(
        Acceptance(octets, relay=relay, reverse_path=sender.login, submitted_by=sender.pk, envid=envid),
        now=NOON,
    )
    recipients = QueuedRecipient.objects.filter(message_id=accepted.queued_message_id)
    recipients.update(state="delivered", attempts=1, orcpt=orcpt)
    assert accepted.queued_message_id is not None
    return accepted.queued_message_id


def returned() -> Returned:
    rows = ReturnedMail.objects.order_by("forward_path", "kind")
    return [(each.forward_path, each.kind, each.cause) for each in rows]


def read() -> int:
    return read_returned(now=NOON)


def test_a_notice_that_quotes_what_was_sent(alice: Account) -> None:
    send(alice, "bob@far.test", "carol@far.test")
    bring(alice, notice(failed("BOB@Far.test", FULL)))
    assert read() == 1
    [row] = ReturnedMail.objects.all()
    assert (row.forward_path, row.cause, row.status) == ("bob@far.test", "full", "5.2.2")
    assert (row.account_id, row.message_id, row.is_proven) == (alice.pk, "<1@here.test>", False)
    assert (row.diagnostic, row.reporter) == ("552 5.2.2 The mailbox is full", "mx.far.test")
    assert QueuedRecipient.objects.filter(report_due="failed").count() == 0  # the notice itself has told
    assert Message.objects.filter(mailbox__account=alice, mailbox__name="INBOX").count() == 1


def test_it_is_read_and_noted_once(alice: Account) -> None:
    send(alice, "bob@far.test")
    bring(alice, notice(failed("bob@far.test")))
    assert (read(), read()) == (1, 0)
    bring(alice, notice(failed("bob@far.test")))
    assert read() == 0
    assert returned() == [("bob@far.test", "bounce", "no-such-user")]


def test_an_envelope_id_is_as_good_as_a_message_id(alice: Account) -> None:
    send(alice, "bob@far.test", envid="QQ+2B1")
    about = "Reporting-MTA: dns; mx.far.test\nOriginal-Envelope-Id: QQ+1"
    bring(alice, notice(failed("bob@far.test"), returned="Subject: x", about=about))
    assert read() == 1


def test_where_the_next_host_passed_it_on_its_original_recipient_is_looked_for(alice: Account) -> None:
    send(alice, "bob@far.test", orcpt="rfc822;Bob+2BHome@first.test")
    bring(alice, notice(failed("robert@further.test", original="rfc822; bob+home@first.test")))
    assert read() == 1
    assert returned() == [("bob@far.test", "bounce", "no-such-user")]


def test_where_the_next_host_was_told_an_alias_that_is_looked_for(alice: Account) -> None:
    send(alice, "bob@far.test")
    QueuedRecipient.objects.update(original_path="team@here.test")
    bring(alice, notice(failed("robert@further.test", original="rfc822; team@here.test")))
    assert read() == 1
    assert returned() == [("bob@far.test", "bounce", "no-such-user")]


def test_an_original_recipient_of_two_tells_of_neither(alice: Account) -> None:
    send(alice, "bob@far.test", "carol@far.test", orcpt="rfc822;team@first.test")
    bring(alice, notice(failed("robert@further.test", original="rfc822; team@first.test")))
    assert read() == 0


@pytest.mark.parametrize("quoted", [("<77@x>", ""), ("", "E78"), ("<77@x>", "E78"), ("", "")])
def test_however_much_was_sent_only_what_is_quoted_is_read(alice: Account, quoted: tuple[str, str]) -> None:
    send(alice, "bob@far.test")
    like = QueuedRecipient.objects.get()
    with connection.cursor() as sql:
        sql.execute(
            """INSERT INTO delivery_queuedmessage (content_id, account_id, reverse_path, size_octets, body, is_smtputf8,
                                                   envid, ret, created_at, expires_at, message_id_field)
               SELECT content_id, account_id, reverse_path, 1, '', false,
                      CASE WHEN n %% 2 = 0 THEN 'E' || n ELSE '' END, '', created_at, expires_at, '<' || n || '@x>'
                 FROM delivery_queuedmessage, generate_series(1, 20000) n WHERE id = %s""",
            [like.message_id],
        )
        sql.execute(
            """INSERT INTO delivery_queuedrecipient (message_id, destination_id, forward_path, orcpt, notify, state,
                                                     attempts, next_attempt_at, last_reply, last_status, last_host,
                                                     report_due)
               SELECT id, %s, 'r' || id || '@far.test', 'rfc822;r@x', '', 'delivered', 1, now(), '', '', '', ''
                 FROM delivery_queuedmessage""",
            [like.destination_id],
        )
        sql.execute("ANALYZE delivery_queuedmessage, delivery_queuedrecipient")
    with cursor() as psycopg:
        values = _quoted(*quoted) | {"owner": alice.pk, "limit": MAX_FOUND}
        [(plan,)] = psycopg.execute(b"EXPLAIN (ANALYZE, FORMAT JSON) " + BY_ORIGINAL, values)
    assert most_rows(plan[0]["Plan"]) <= 3


def most_rows(node: dict[str, Any]) -> float:
    """That any step of the plan has read."""
    read = node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
    return float(max([read, *(most_rows(each) for each in node.get("Plans", []))]))


def test_what_is_for_people_alone_is_read_too(alice: Account) -> None:
    send(alice, "bob@far.test")
    text = (
        "From: MAILER-DAEMON@far.test\r\nSubject: failure notice\r\n\r\nHi. This is the qmail-send program at far.test."
        "\r\n\r\n<bob@far.test>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n\r\n"
        "--- Below this line is a copy of the message.\r\n\r\nMessage-ID: <1@here.test>\r\n"
    )
    bring(alice, text.encode())
    assert read() == 1
    assert returned() == [("bob@far.test", "bounce", "no-such-user")]


@pytest.mark.parametrize(
    ("octets", "reverse_path"),
    [
        (notice(failed("eve@far.test")), ""),  # to whom it was not sent
        (notice(failed("bob@far.test"), returned="Message-ID: <2@here.test>"), ""),
        (notice(failed("bob@far.test"), returned="Subject: x"), ""),
        (notice(failed("bob@far.test")), "eve@evil.test"),
        (notice(failed("bob@far.test", "Action: delayed\nStatus: 4.2.2\n")), ""),
        (notice(failed("bob@far.test"), returned="Return-Path: <verp=aa=1=1=aaaaaaaaaaaaaaaa@x.test>"), ""),
        (b"From: MAILER-DAEMON@far.test\r\n\r\nbob@far.test <1@here.test> failed\r\n", ""),
    ],
)
def test_forged_and_other_notices_change_nothing(octets: bytes, reverse_path: str, alice: Account) -> None:
    send(alice, "bob@far.test")
    bring(alice, octets, reverse_path=reverse_path)
    assert read() == 0
    assert returned() == []


def test_what_another_account_sent_is_not_touched(alice: Account) -> None:
    send(alice, "bob@far.test")
    bring(new_account("mallory"), notice(failed("bob@far.test")))
    assert read() == 0


def test_what_was_sent_in_its_name_is_its_own(alice: Account) -> None:
    message_id = send(alice, "bob@far.test")
    owner = new_account("office")
    QueuedMessage.objects.filter(pk=message_id).update(reverse_path=owner.login.upper())
    bring(owner, notice(failed("bob@far.test")))
    assert read() == 1


def test_what_was_refused_at_once_does_not_come_back(alice: Account) -> None:
    send(alice, "bob@far.test")
    QueuedRecipient.objects.update(state="bounced")
    bring(alice, notice(failed("bob@far.test")))
    assert read() == 0


def test_a_notice_that_quotes_a_bounce_address_proves_it(alice: Account, verp: None) -> None:
    """However it names the recipient; the message may have no Message-ID."""
    send(alice, "bob@far.test", message_id="")
    QueuedRecipient.objects.update(state="queued")
    [parcel] = with_bounce_addresses(parcels())
    QueuedRecipient.objects.update(state="delivered")
    bring(alice, notice(failed("r@further.test"), returned=f"Return-Path: <{parcel.message.reverse_path}>"))
    assert read() == 1
    [row] = ReturnedMail.objects.all()
    assert (row.forward_path, row.is_proven) == ("bob@far.test", True)


def parcels() -> list[Parcel]:
    return due_parcels(claim=claim_all()["far.test"], limit=10, except_ids=[], now=NOON)


RCPT = "Original-Rcpt-To: <bob@far.test>"


def test_a_complaint_that_its_domain_vouches_for(alice: Account) -> None:
    send(alice, "bob@far.test", "carol@far.test")
    bring(new_account("abuse"), complaint(RCPT), reverse_path="fbl@far.test", is_authentic=True)
    assert read() == 1
    [row] = ReturnedMail.objects.all()
    assert (row.kind, row.forward_path, row.account_id) == ("complaint", "bob@far.test", alice.pk)
    assert (row.diagnostic, row.reporter, row.cause) == ("abuse", "fbl.far.test", "")


def test_a_complaint_that_names_nobody_is_about_the_one_it_was_addressed_to(alice: Account) -> None:
    send(alice, "bob@far.test", "carol@far.test")
    quoted = "Message-ID: <1@here.test>\nTo: Bob <bob@far.test>"
    bring(new_account("abuse"), complaint(returned=quoted), reverse_path="fbl@far.test", is_authentic=True)
    assert read() == 1
    assert returned() == [("bob@far.test", "complaint", "")]


@pytest.mark.parametrize(
    ("octets", "is_authentic"),
    [
        (complaint(RCPT), False),
        (complaint("Original-Rcpt-To: <eve@far.test>"), True),
        (complaint(RCPT, returned="Message-ID: <2@here.test>"), True),
        (complaint(RCPT, kind="not-spam"), True),
        (complaint(), True),
    ],
)
def test_other_complaints_change_nothing(octets: bytes, is_authentic: bool, alice: Account) -> None:
    send(alice, "bob@far.test")
    bring(new_account("abuse"), octets, reverse_path="fbl@far.test", is_authentic=is_authentic)
    assert read() == 0


def test_a_bounce_address_makes_a_complaint_certain(alice: Account, verp: None) -> None:
    send(alice, "bob@far.test", message_id="")
    QueuedRecipient.objects.update(state="queued")
    [parcel] = with_bounce_addresses(parcels())
    QueuedRecipient.objects.update(state="delivered")
    field = f"Original-Mail-From: <{parcel.message.reverse_path}>"
    bring(new_account("abuse"), complaint(field, returned="Subject: x"), reverse_path="fbl@far.test")
    assert read() == 1
    assert ReturnedMail.objects.get().is_proven


def test_a_round_reads_so_much_and_the_next_one_goes_on(
    alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "NOTICES_AT_ONCE", 2)
    for number in range(5):
        send(alice, "bob@far.test", message_id=f"<{number}@here.test>")
        bring(alice, notice(failed("bob@far.test"), returned=f"Message-ID: <{number}@here.test>"))
    assert [read() for _ in range(4)] == [2, 2, 1, 0]


def test_what_was_noted_before_a_fault_stays_noted(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each in a transaction of its own, which holds no rows for the next one."""
    for name in ("bob", "carol"):
        send(alice, f"{name}@far.test", message_id=f"<{name}@here.test>")
        bring(alice, notice(failed(f"{name}@far.test"), returned=f"Message-ID: <{name}@here.test>"))
    taken = [reading.note_bounce]
    with monkeypatch.context() as patch:
        patch.setattr(reading, "note_bounce", lambda *args, **kwargs: taken.pop()(*args, **kwargs))
        with pytest.raises(IndexError):
            read()
    assert returned() == [("bob@far.test", "bounce", "no-such-user")]
    assert read() == 1
    assert [each[0] for each in returned()] == ["bob@far.test", "carol@far.test"]
