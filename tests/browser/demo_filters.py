"""Believable verdicts, held mail, traces and reports, for pictures and for seeing that they fit on the page."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from delivery import trace
from delivery.findings import Action, Finding
from delivery.models import DmarcReport, DmarcReportRow, Quarantined, TlsReport
from delivery.models.trace import Outcome
from delivery.trace import Noted
from mailboxes.models import Account
from tests.support.judging import come_in

PROGRAM = Finding(
    "attachment",
    "program",
    "The attachment invoice-2026-000417.pdf.exe is a program: it would run when it is opened.",
    0.0,
    Action.QUARANTINE,
)
WISH = Finding(
    "dmarc",
    "fail",
    "Neither SPF nor DKIM shows that it is from bank.example.test. bank.example.test asks to hold such mail.",
    1.5,
    Action.QUARANTINE,
)
SPF = Finding(
    "spf",
    "softfail",
    "2001:db8:85a3:8d3:1319:8a2e:370:7348 is probably not allowed to send for bank.example.test.",
    1.0,
)
LESSONS = Finding(
    "lessons",
    "junk",
    "It reads like junk: a link with prizes (98% junk); the word winner (97% junk); the words claim now (96% junk).",
    5.6,
)
NO_DATE = Finding("header", "no-date", "The message has no date.", 1.0)
PASSED = Finding("dmarc", "pass", "prizes.example.test is authenticated.", -0.5)

INVOICE = b"""From: Accounts <billing@supplier.example.test>\r
To: alice\r
Subject: Invoice 2026-000417 is overdue\r
Message-ID: <417@supplier.example.test>\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=outer\r
\r
--outer\r
Content-Type: text/html; charset=utf-8\r
\r
<h2>Invoice 2026-000417</h2><p>Dear customer,</p><p>please find attached the invoice that is overdue. You can also
<a href="https://supplier.example.test/pay">pay it here</a>.</p><img src="https://supplier.example.test/logo.png">\r
--outer\r
Content-Type: application/octet-stream\r
Content-Disposition: attachment; filename="invoice-2026-000417.pdf.exe"\r
\r
MZ\r
--outer--\r
"""
BANK = b"""From: Your Bank <security@bank.example.test>\r
To: alice\r
Subject: Your account will be closed on Friday\r
Message-ID: <closed@bank.example.test>\r
\r
We have seen a payment that was not yours.\r
\r
Sign in at https://bank.example.test.evil.test/ to keep your account.\r
"""
PRIZE = b"""From: Prize Office <winner@prizes.example.test>\r
To: alice\r
Subject: You are our winner\r
Message-ID: <winner@prizes.example.test>\r
\r
Claim now: https://prizes.example.test/claim\r
"""
LETTER = (
    PRIZE.replace(b"winner@", b"ann@")
    .replace(b"Prize Office", b"Ann Berg")
    .replace(b"You are our winner", b"The minutes of Tuesday")
)


def judge_some(account: Account, *, now: datetime) -> None:
    """One message in the inbox, one in Junk, two held; each is in the trace."""
    came = [
        (LETTER, (PASSED, NO_DATE), "5f0a", now - timedelta(minutes=4)),
        (PRIZE, (LESSONS, NO_DATE, PASSED), "5f0b", now - timedelta(minutes=30)),
        (INVOICE, (PROGRAM, SPF, PASSED), "5f0c", now - timedelta(hours=3)),
        (BANK, (WISH, SPF, NO_DATE), "5f0d", now - timedelta(hours=20)),
    ]
    outcomes = (Outcome.ACCEPTED, Outcome.JUNK, Outcome.QUARANTINED, Outcome.QUARANTINED)
    for (octets, findings, trace_id, at), outcome in zip(came, outcomes, strict=True):
        come_in(account, octets, *findings, trace_id=trace_id, now=at)
        trace.write([_noted(account, octets, trace_id, at, outcome)])
    early = _noted(account, b"", "", now - timedelta(hours=21), Outcome.REFUSED)
    trace.write([early])


def _noted(account: Account, octets: bytes, trace_id: str, at: datetime, outcome: Outcome) -> Noted:
    refused = "550 5.7.1 2001:db8:85a3::7348 is on the block list zen.example.test"
    return Noted(
        at=at,
        session="00000000000a77e1",
        trace_id=trace_id,
        peer="2001:db8:85a3:8d3:1319:8a2e:370:7348",
        helo="mx1.outbound.example.test",
        tls="TLSv1.3",
        login="",
        reverse_path="bounces+417@mailer.example.test",
        forward_path=account.login,
        domain=account.login.partition("@")[2],
        account_id=account.pk,
        message_id="<417.abcdef0123456789@supplier.example.test>" if octets else "",
        size_octets=len(octets),
        outcome=outcome,
        reply=f"250 2.0.0 Ok: accepted as {trace_id}" if octets else refused,
    )


def report_some(domain: str, *, now: datetime) -> None:
    """Two weeks of DMARC and TLS reports about the domain."""
    for day in range(14):
        begins_at = datetime.combine((now - timedelta(days=day + 1)).date(), datetime.min.time(), UTC)
        span = {"begins_at": begins_at, "ends_at": begins_at + timedelta(days=1), "received_at": now}
        who = {"domain": domain, "organization": "receiver.example.test", "report_id": f"r{day}"}
        report = DmarcReport.objects.create(**who, **span, policy="quarantine", is_authentic=day % 5 != 0)
        rows = (("192.0.2.7", 40 + 7 * (day % 4), True), ("2001:db8:85a3::7348", day % 3, False))
        for source_ip, count, is_aligned in rows:
            DmarcReportRow.objects.create(
                report=report,
                source_ip=source_ip,
                count=count,
                is_dkim_aligned=is_aligned,
                is_spf_aligned=False,
            )
        failures = (
            [{"what": "certificate-expired", "sessions": 2, "host": "mx.example.test"}] if day < 2 else []
        )
        figures = {"successes": 90 + day, "failed": 2 * len(failures), "failures": failures}
        TlsReport.objects.create(**who, **span, policy="sts", is_authentic=True, **figures)


def held_of(account: Account) -> Sequence[Quarantined]:
    """What is held for the account, the oldest first."""
    return list(Quarantined.objects.filter(account=account).order_by("pk"))
