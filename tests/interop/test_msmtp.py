"""msmtp, with which scripts and mutt hand in mail: submission in all its ways, and what it makes of refusals."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interop.mail_host import ALICE, BOB, MailHost, run
from tests.support.needs import needs_program

pytestmark = needs_program("msmtp", package="msmtp")

EX_DATAERR, EX_NOPERM = 65, 77  # sysexits.h
CONFIGURATION = """
defaults
tls on
tls_trust_file {ca}
host localhost
from {login}
user {login}
password {password}

account starttls
port {submission}
tls_starttls on
auth {mechanism}

account implicit
port {submissions}
tls_starttls off
auth {mechanism}
"""
Msmtp = Callable[..., str]


@pytest.fixture
def msmtp(mail_host: MailHost, tmp_path: Path) -> Msmtp:
    """Sends as alice."""
    words = {"ca": mail_host.ca, "login": ALICE, "password": mail_host.host.password(ALICE)}

    def send(*more: str, given: str, account: str, mechanism: str = "on", returns: int = 0) -> str:
        configuration = tmp_path / "msmtprc"
        text = CONFIGURATION.format(**words, **mail_host.host.ports, mechanism=mechanism)
        configuration.write_text(text)
        configuration.chmod(0o600)
        common = ["--file", str(configuration), "--account", account, "--debug"]
        return run("msmtp", *common, *more, home=tmp_path, given=given, returns=(returns,))

    return send


def letter(subject: str) -> str:
    return f"From: {ALICE}\nTo: {BOB}\nBcc: nobody-else@example.test\nSubject: {subject}\n\nHello\n.\n.end\n"


@pytest.mark.parametrize(
    ("account", "mechanism"),
    [("starttls", "plain"), ("starttls", "scram-sha-256"), ("implicit", "login"), ("implicit", "on")],
)
def test_submission(msmtp: Msmtp, mail_host: MailHost, account: str, mechanism: str) -> None:
    subject = f"msmtp {account} {mechanism}"
    msmtp(BOB, given=letter(subject), account=account, mechanism=mechanism)
    octets = mail_host.wait_for(BOB, subject)
    assert octets.endswith(b"\r\n\r\nHello\r\n.\r\n.end\r\n")
    assert b"\r\nDate: " in octets
    assert b"nobody-else" not in octets


def test_it_asks_for_delivery_status_notifications(msmtp: Msmtp, mail_host: MailHost) -> None:
    words = ["--dsn-notify=success,failure", "--dsn-return=headers", BOB]
    said = msmtp(*words, given=letter("msmtp dsn"), account="starttls")
    assert "NOTIFY=SUCCESS,FAILURE" in said
    mail_host.wait_for(BOB, "msmtp dsn")


def test_refusals(msmtp: Msmtp) -> None:
    given = letter("msmtp refused")
    said = msmtp("nobody@example.test", given=given, account="starttls", returns=EX_DATAERR)
    assert "550 5.1.1" in said
    said = msmtp("--from=somebody@elsewhere.test", BOB, given=given, account="starttls", returns=EX_DATAERR)
    assert "553 5.7.1" in said
    said = msmtp("--user=nobody@example.test", BOB, given=given, account="starttls", returns=EX_NOPERM)
    assert "535 5.7.8" in said


def test_it_reads_what_is_offered(msmtp: Msmtp) -> None:
    said = msmtp("--serverinfo", given="", account="starttls")
    for capability in ("PIPELINING", "SIZE", "DSN", "ETRN", "STARTTLS", "AUTH"):
        assert (capability in said) == (capability != "ETRN")
