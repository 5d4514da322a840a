"""Notices of other hosts: what the standard has, what hosts really write, and that nothing else is taken for one."""

import email
import email.policy
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.dsn import compose_report
from mailhost.protocols.dsn_reading import MAX_RECIPIENTS, Notice, ReadRecipient, read_notice, status_of
from mailhost.protocols.dsn_values import Action, RecipientReport, Report

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RETURNED = "Return-Path: <alice@here.test>\nMessage-ID: <1@here.test>\nSubject: Hello\n"
FAILED = "Final-Recipient: rfc822; bob@far.test\nAction: failed\nStatus: 5.1.1\n"


def notice(
    status: str,
    *,
    kind: str = "message/delivery-status",
    returned: str = RETURNED,
    returned_kind: str = "text/rfc822-headers",
    report: str = "multipart/report; report-type=delivery-status",
) -> bytes:
    text = (
        f'From: MAILER-DAEMON@far.test\nSubject: Failed\nContent-Type: {report}; boundary="b"\n\n'
        f"--b\n\nIt failed.\n--b\nContent-Type: {kind}\n\n{status}\n--b\n"
        f"Content-Type: {returned_kind}\n\n{returned}\n--b--\n"
    )
    return text.replace("\n", "\r\n").encode()


def plain(text: str, *, subject: str = "failure notice", fields: str = "") -> bytes:
    return f"From: MAILER-DAEMON@far.test\nSubject: {subject}\n{fields}\n{text}".encode()


def read(octets: bytes) -> Notice:
    found = read_notice(octets)
    assert found is not None
    return found


def only(octets: bytes) -> ReadRecipient:
    [recipient] = read(octets).recipients
    return recipient


def test_a_notice_by_the_standard() -> None:
    found = read(
        notice(
            "Reporting-MTA: dns; mx.far.test\nOriginal-Envelope-Id: QQ 314\n\n"
            "Original-Recipient: rfc822; bob@first.test\nFinal-Recipient: RFC822;<bob@far.test>\nAction: Failed\n"
            "Status: 5.2.2 (mailbox full)\nRemote-MTA: dns; store.far.test\n"
            "Diagnostic-Code: smtp; 552 5.2.2 The mailbox\n of Bob is full\n\n" + FAILED.replace("bob", "eve")
        )
    )
    assert (found.reporting_host, found.envelope_id, found.is_standard) == ("mx.far.test", "QQ 314", True)
    assert (found.quoted.message_id, found.quoted.return_path) == ("<1@here.test>", "alice@here.test")
    bob, eve = found.failed
    assert bob == ReadRecipient(
        Action.FAILED,
        "5.2.2",
        "bob@far.test",
        "bob@first.test",
        "552 5.2.2 The mailbox of Bob is full",
        "store.far.test",
    )
    assert (eve.final, eve.status) == ("eve@far.test", "5.1.1")


@pytest.mark.parametrize(
    ("fields", "action", "status"),
    [
        ("Action: delayed\nStatus: 4.4.1", Action.DELAYED, "4.4.1"),
        ("Action: delivered\nStatus: 2.1.5", Action.DELIVERED, "2.1.5"),
        ("Action: relayed\nStatus: 2.0.0", Action.RELAYED, "2.0.0"),
        ("Action: expanded\nStatus: 2.0.0", Action.EXPANDED, "2.0.0"),
        ("Action: failed\nStatus: 4.4.7", Action.FAILED, "4.4.7"),  # tried until its time was over
        ("Action: failed (it did)", Action.FAILED, "5.0.0"),
        ("Status: 5.7.1", Action.FAILED, "5.7.1"),
        ("Diagnostic-Code: smtp; 550 no", Action.FAILED, "5.0.0"),
        ("Action: failed\nDiagnostic-Code: smtp; 550 5.7.26 no", Action.FAILED, "5.7.26"),
        ("Status: 4.2.2", Action.DELAYED, "4.2.2"),
    ],
)
def test_what_became_of_it(fields: str, action: Action, status: str) -> None:
    found = only(notice(f"Reporting-MTA: dns; a.test\n\nFinal-Recipient: rfc822; bob@far.test\n{fields}\n"))
    assert (found.action, found.status) == (action, status)


def test_a_report_without_a_block_about_the_message() -> None:
    assert only(notice(FAILED)).final == "bob@far.test"


def test_an_address_in_utf_8_comes_in_either_form() -> None:
    for said in ("utf-8; \\x{439}van@far.test", "utf-8; йvan@far.test"):
        octets = notice(
            f"Reporting-MTA: dns; a.test\n\nFinal-Recipient: {said}\nAction: failed\nStatus: 5.1.1\n",
            kind="message/global-delivery-status",
            returned_kind="message/global-headers",
        )
        assert only(octets).final == "йvan@far.test"
        assert read(octets).quoted.message_id == "<1@here.test>"


def test_the_whole_message_may_come_back() -> None:
    whole = RETURNED + "\nMessage-ID: <2@here.test>\n"
    assert (
        read(notice(FAILED, returned=whole, returned_kind="message/rfc822")).quoted.message_id
        == "<1@here.test>"
    )


def test_a_part_may_be_encoded_although_it_must_not_be() -> None:
    kind = "message/delivery-status\nContent-Transfer-Encoding: base64"
    encoded = "RmluYWwtUmVjaXBpZW50OiByZmM4MjI7IGJvYkBmYXIudGVzdApBY3Rpb246IGZhaWxlZAo="
    assert only(notice(encoded, kind=kind)).final == "bob@far.test"


def test_a_notice_that_is_only_forwarded_says_nothing() -> None:
    inner = notice(FAILED).decode()
    outer = 'Subject: Fwd\r\nContent-Type: multipart/mixed; boundary="o"\r\n\r\n--o\r\n\r\nSee this\r\n'
    outer += f"--o\r\nContent-Type: message/rfc822\r\n\r\n{inner}\r\n--o--\r\n"
    assert read_notice(outer.encode()) is None


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"Subject: Hi\r\n\r\nThe mailbox <bob@far.test> was full, 550 5.2.2\r\n",
        notice("Reporting-MTA: dns; a.test\n"),
        notice("Final-Recipient: rfc822; nobody\nAction: failed\n"),
        notice("Final-Recipient: rfc822; bob@far.test\nAction: perhaps\n"),
    ],
)
def test_what_is_none(octets: bytes) -> None:
    assert read_notice(octets) is None


QMAIL = """Hi. This is the qmail-send program at mx.far.test.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<bob@far.test>:
Sorry, no mailbox here by that name. (#5.1.1)

<eve@far.test>:
192.0.2.7 does not like recipient.
Remote host said: 552 the mailbox is full
Giving up on 192.0.2.7.

--- Below this line is a copy of the message.

Return-Path: <alice@here.test>
Received: (qmail 1 invoked from network)
Message-ID: <1@here.test>

<carol@far.test>:
"""
EXIM = """This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  bob@far.test
    host mx.far.test [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<bob@far.test>:
    550 5.1.1 <bob@far.test>: unknown user
  eve@store.far.test
    (generated from eve@far.test)
    552 the mailbox is full

------ This is a copy of the message, including all the headers. ------

Return-path: <alice@here.test>
Message-ID: <1@here.test>
"""
SENDMAIL = """The original message was received at Sun, 1 Mar 2026 12:00:00 GMT
from here.test [192.0.2.9]

   ----- The following addresses had permanent fatal errors -----
<bob@far.test>
    (reason: 550 5.1.1 <bob@far.test>... User unknown)
<eve@far.test>
    (reason: 552 the mailbox is full)

   ----- Original message follows -----

Return-Path: <alice@here.test>
Message-ID: <1@here.test>
"""
POSTFIX = """This is the Postfix program at host mx.far.test.

I'm sorry to have to inform you that your message could not be delivered.

<bob@far.test>: host mx.far.test[192.0.2.1] said: 550 5.1.1 User unknown (in
    reply to RCPT TO command)

<eve@far.test>: mail for eve: 552 the mailbox is full

------- Undelivered message ------
Return-Path: <alice@here.test>
Message-ID: <1@here.test>
"""
EXCHANGE = """Your message did not reach some or all of the intended recipients.

      Subject:  Hello
      Sent:     3/1/2026 12:00 PM

The following recipient(s) could not be reached:

      'bob@far.test' on 3/1/2026 12:00 PM
            The e-mail account does not exist at the organization this message was sent to.
            < mx.far.test #5.1.1>

      Eve Far<mailto:eve@far.test>
            552 the mailbox is full

Original message headers:

Return-Path: <alice@here.test>
Message-ID: <1@here.test>
"""
GOOGLE = """Delivery to the following recipients failed permanently:

     bob@far.test

Technical details: the other server said 550 5.1.1 No such user

     eve@far.test

The mailbox is full: 552

----- Original message -----

Return-Path: <alice@here.test>
Message-ID: <1@here.test>
"""


@pytest.mark.parametrize("text", [QMAIL, EXIM, SENDMAIL, POSTFIX, EXCHANGE, GOOGLE])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_what_is_written_for_people_alone(text: str, line_end: str) -> None:
    found = read(plain(text).replace(b"\n", line_end.encode()))
    bob, eve = found.failed
    assert (bob.final, bob.status, bob.action) == ("bob@far.test", "5.1.1", Action.FAILED)
    assert "eve@far.test" in (eve.final, eve.original)
    assert (eve.status, "the mailbox is full" in eve.diagnostic.lower()) == ("5.0.0", True)
    assert (found.quoted.message_id, found.quoted.return_path) == ("<1@here.test>", "alice@here.test")
    assert not found.is_standard


def test_the_message_may_be_attached_to_such_words() -> None:
    octets = notice("x", kind="text/plain", returned_kind="message/rfc822", report="multipart/mixed").replace(
        b"It failed.", QMAIL.partition("---")[0].replace("\n", "\r\n").encode()
    )
    assert [each.final for each in read(octets).failed] == ["bob@far.test", "eve@far.test"]
    assert read(octets).quoted.message_id == "<1@here.test>"


def test_a_field_may_name_who_failed() -> None:
    fields = "X-Failed-Recipients: bob@far.test,\n  eve@far.test\n"
    found = read(plain("Sorry.\n", subject="Mail delivery failed: returning", fields=fields))
    assert [each.final for each in found.failed] == ["bob@far.test", "eve@far.test"]


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Warning: message delayed", EXIM.replace("This is a permanent", "It is delayed. No permanent")),
        ("Mail delivery failed", "Your message was delayed.\n"),
        ("My holidays", "I am away.\n"),
        ("Re: failure notice", "You wrote:\n> <bob@far.test>:\n> Sorry, no mailbox here. (#5.1.1)\n"),
        ("Re: failure notice", "Thanks!\n" + "\n".join(f"> {line}" for line in QMAIL.split("\n"))),
    ],
)
def test_warnings_and_answers_are_no_failures(subject: str, text: str) -> None:
    fields = "" if subject.startswith("Re:") else "X-Failed-Recipients: bob@far.test\n"
    assert read_notice(plain(text, subject=subject, fields=fields)) is None


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("550 5.7.1 no", "5.7.1"),
        ("no (#5.1.1)", "5.1.1"),
        ("said: 452 full", "4.0.0"),
        ("no", "5.0.0"),
        ("15.1.1", "5.0.0"),
        ("5.1.\u0661", "5.0.0"),
    ],
)
def test_the_code_in_words(words: str, status: str) -> None:
    assert status_of(words) == status


# What we write ourselves is read by Python's parser and by our own as the same.

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)
recipients = st.builds(
    RecipientReport,
    forward_path=st.sampled_from(
        ["bob@far.test", "йvan@far.test", '"a b"@far.test', "x+y@xn--bcher-kva.test"]
    ),
    action=st.sampled_from(Action),
    status=st.from_regex(r"[245]\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})", fullmatch=True),
    original_recipient=st.sampled_from(["", "rfc822;Bob+2BHome@first.test", "utf-8;\\x{439}van@far.test"]),
    remote_host=st.sampled_from(["", "mx.far.test"]),
    reply=texts,
    last_attempt_at=st.sampled_from([None, NOON]),
    will_retry_until=st.sampled_from([None, NOON]),
)


@given(
    st.lists(recipients, min_size=1, max_size=4),
    texts,
    st.sampled_from(["alice@here.test", "ålice@here.test"]),
)
def test_what_we_write_is_read_alike_by_us_and_by_python(
    those: list[RecipientReport], subject: str, to: str
) -> None:
    octets = compose_report(
        Report(
            reporting_host="here.test",
            to=to,
            message_id="<r@here.test>",
            boundary="=_b",
            at=NOON,
            arrived_at=NOON,
            recipients=those,
            original_header=RETURNED.encode(),
            subject=subject,
            envid="QQ+2B1",
        )
    )
    found = read(octets)
    assert (found.reporting_host, found.envelope_id) == ("here.test", "QQ+1")
    assert [(each.action, each.status, each.final) for each in found.recipients] == [
        (each.action, each.status, each.forward_path) for each in those
    ]
    assert [each.remote_host for each in found.recipients] == [each.remote_host for each in those]
    message = email.message_from_bytes(octets, policy=email.policy.SMTPUTF8)
    assert message.get_content_type() == "multipart/report"
    words, status, header = message.iter_parts()
    assert words.get_content_type() == "text/plain"
    assert status.get_content_type() in ("message/delivery-status", "message/global-delivery-status")
    assert status.get_content_type() == f"message/{message.get_param('report-type')}"  # RFC 6522 section 3
    assert header.get_content_type() == "text/rfc822-headers"


@given(st.binary(max_size=400))
def test_any_octets_in_a_status_part(octets: bytes) -> None:
    whole = notice("STATUS").replace(b"STATUS", octets)
    found = read_notice(whole)
    assert found is None or all("\0" not in each.diagnostic for each in found.recipients)


@given(
    st.lists(st.sampled_from([*QMAIL.splitlines(), *EXIM.splitlines(), *EXCHANGE.splitlines()]), max_size=30)
)
def test_any_lines_of_such_words(lines: list[str]) -> None:
    found = read_notice(plain("\n".join(lines)))
    assert found is None or found.failed


def test_however_much_is_said_so_much_is_read() -> None:
    assert len(read(notice("\n".join([FAILED] * 5_000))).recipients) == MAX_RECIPIENTS
    for worst in ("<" * 100_000, "a@" * 50_000, ("x" * 250 + "@") * 400, "\n \t" * 30_000, "(" * 100_000):
        read_notice(plain("Your message did not reach some or all of the intended recipients\n" + worst))
        read_notice(plain(QMAIL.partition("\n\n")[0] + "\n\n" + worst))
        read_notice(notice("Final-Recipient: rfc822; " + worst))
