"""Notices and complaints of other hosts, as they come in."""

from datetime import datetime
from ipaddress import ip_address

from delivery.acceptance import Acceptance, accept_now
from delivery.filters.incoming import Incoming
from delivery.filters.recording import Judged
from delivery.filters.returned_rule import returned_findings
from delivery.findings import Action, Finding, Verdict
from mailboxes.models import Account
from tests.support.queueing import NOON

REFUSED = "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 No such user\n"
FULL = "Action: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 The mailbox is full\n"


def notice(
    *blocks: str, returned: str = "Message-ID: <1@here.test>", about: str = "Reporting-MTA: dns; mx.far.test"
) -> bytes:
    """A DSN; a block has the fields of one recipient."""
    status = "\n\n".join((about, *(each.strip("\n") for each in blocks)))
    text = (
        "From: MAILER-DAEMON@far.test\nSubject: Undelivered\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n--b\n\nIt failed.\n'
        f"--b\nContent-Type: message/delivery-status\n\n{status}\n\n"
        f"--b\nContent-Type: text/rfc822-headers\n\n{returned}\nSubject: Hello\n\n--b--\n"
    )
    return text.replace("\n", "\r\n").encode()


def failed(forward_path: str, how: str = REFUSED, *, original: str = "") -> str:
    """A block of a notice."""
    first = f"Original-Recipient: {original}\n" if original else ""
    return f"{first}Final-Recipient: rfc822; {forward_path}\n{how}"


def complaint(*fields: str, returned: str = "Message-ID: <1@here.test>", kind: str = "abuse") -> bytes:
    """A feedback report."""
    told = "\n".join((f"Feedback-Type: {kind}", "Reporting-MTA: dns; fbl.far.test", *fields))
    text = (
        "From: fbl@far.test\nSubject: FW\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\n\n--b\n\nComplaint.\n'
        f"--b\nContent-Type: message/feedback-report\n\n{told}\n\n"
        f"--b\nContent-Type: message/rfc822\n\n{returned}\nSubject: Hello\n\nBuy.\n--b--\n"
    )
    return text.replace("\n", "\r\n").encode()


def bring(
    account: Account,
    octets: bytes,
    *,
    reverse_path: str = "",
    is_authentic: bool = False,
    now: datetime = NOON,
) -> None:
    """As an examined message from outside arrives in the account's inbox."""
    message = Incoming(ip_address("192.0.2.1"), "mx.far.test", reverse_path, frozenset(), octets)
    findings = [*returned_findings(message), Finding("spf", "none", "Nobody knows.")]
    if is_authentic:
        findings.append(Finding("dmarc", "pass", "It is authentic."))
    verdict = Verdict(Action.DELIVER, 0.0, tuple(findings))
    judged = Judged(account.pk, verdict, "00ab", "192.0.2.1", reverse_path)
    accept_now(Acceptance(octets, judged=(judged,)), now=now)
