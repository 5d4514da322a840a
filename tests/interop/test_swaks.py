"""swaks, the SMTP test tool: every step that it can be told to take."""

from pathlib import Path

import pytest

from tests.interop.mail_host import ALICE, BALANCER, BOB, MailHost, run
from tests.support.needs import needs_program

pytestmark = needs_program("swaks", package="swaks libnet-ssleay-perl")

RCPT_REFUSED, DATA_REFUSED, AUTH_REFUSED = 24, 26, 28  # its exit codes


@pytest.fixture
def swaks(mail_host: MailHost, tmp_path: Path) -> "Swaks":
    return Swaks(mail_host, tmp_path)


class Swaks:
    """Runs it against a door of the host."""

    def __init__(self, mail_host: MailHost, home: Path) -> None:
        self.mail_host = mail_host
        self._home = home

    def __call__(self, *words: str, door: str = "smtp", returns: int = 0) -> str:
        ports = {**self.mail_host.host.ports, "lmtp": self.mail_host.lmtp_port}
        common = ["--server", "127.0.0.1", "--port", str(ports[door]), "--ehlo", "mx.sender.test"]
        return run("swaks", *common, *words, home=self._home, returns=(returns,))


def test_a_message_by_starttls_in_one_pipeline(swaks: Swaks) -> None:
    words = ["--from", "carol@sender.test", "--to", f"{ALICE},{BOB}", "--header", "Subject: swaks pipelined"]
    said = swaks(*words, "--tls", "--pipeline")
    assert "250-CHUNKING" in said
    assert "~> QUIT" in said
    for login in (ALICE, BOB):
        octets = swaks.mail_host.wait_for(login, "swaks pipelined")
        assert b"with ESMTPS id" in octets
        assert b"spf=pass smtp.mailfrom=carol@sender.test" in octets


def test_an_attachment_survives(swaks: Swaks, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("..\n.\nfrom the first line\n" * 1_000)
    words = ["--from", "carol@sender.test", "--to", ALICE, "--header", "Subject: swaks attached"]
    swaks(*words, "--attach-type", "text/plain", "--attach", f"@{file}")
    assert b"filename" in swaks.mail_host.wait_for(ALICE, "swaks attached")


def test_each_refusal_is_understood(swaks: Swaks) -> None:
    """At RCPT, where another host's mail is not relayed, and after the dot, by DMARC and for what is junk."""
    sender = ["--from", "carol@sender.test"]
    assert "550 5.1.1" in swaks(*sender, "--to", "nobody@example.test", returns=RCPT_REFUSED)
    assert "550 5.7.1" in swaks(*sender, "--to", "someone@elsewhere.test", returns=RCPT_REFUSED)
    said = swaks("--from", "carol@forged.test", "--to", ALICE, returns=DATA_REFUSED)
    assert "550 5.7.26" in said
    gtube = "XJS*C4JDBQADN1.NSBN3*2IDNEN*" + "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
    assert "550 5.7.1" in swaks(*sender, "--to", ALICE, "--body", gtube, returns=DATA_REFUSED)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_submission_by_each_mechanism(swaks: Swaks, mechanism: str) -> None:
    password = swaks.mail_host.host.password(ALICE)
    words = ["--from", ALICE, "--to", BOB, "--header", f"Subject: swaks {mechanism}"]
    auth = ["--auth", mechanism, "--auth-user", ALICE, "--auth-password", password]
    swaks(*words, *auth, "--tls", door="submission")
    octets = swaks.mail_host.wait_for(BOB, f"swaks {mechanism}")
    assert b"with ESMTPSA id" in octets
    auth[-1] = "wrong"
    assert "535 5.7.8" in swaks(*words, *auth, "--tls", door="submission", returns=AUTH_REFUSED)


def test_submission_under_implicit_tls(swaks: Swaks) -> None:
    auth = ["--auth", "PLAIN", "--auth-user", BOB, "--auth-password", swaks.mail_host.host.password(BOB)]
    words = ["--from", BOB, "--to", ALICE, "--header", "Subject: swaks implicit"]
    swaks(*words, *auth, "--tls-on-connect", door="submissions")
    assert b"with ESMTPSA id" in swaks.mail_host.wait_for(ALICE, "swaks implicit")


def test_lmtp_has_a_reply_for_each_recipient(swaks: Swaks) -> None:
    words = ["--from", "carol@sender.test", "--to", f"{ALICE},{BOB}", "--header", "Subject: swaks lmtp"]
    said = swaks(*words, "--protocol", "LMTP", door="lmtp")
    assert said.count("Ok: accepted as") == 2
    assert b"with LMTP id" in swaks.mail_host.wait_for(ALICE, "swaks lmtp")


FAMILIES = {"1": ["TCP4"], "2": ["AF_INET", "--proxy-protocol", "STREAM"]}


@pytest.mark.parametrize("version", FAMILIES)
def test_a_balancer_in_front(swaks: Swaks, version: str) -> None:
    """The client is whom the PROXY header names: SPF and Received go by its address."""
    source = ["--proxy-source", "198.51.100.7", "--proxy-source-port", "4711"]
    dest = ["--proxy-dest", "192.0.2.1", "--proxy-dest-port", "25", "--local-interface", BALANCER]
    family = ["--proxy-version", version, "--proxy-family", *FAMILIES[version]]
    words = ["--to", ALICE, "--from", "carol@proxied.test", "--header", f"Subject: swaks proxied {version}"]
    swaks(*family, *source, *dest, *words)
    octets = swaks.mail_host.wait_for(ALICE, f"swaks proxied {version}")
    assert b"([198.51.100.7])" in octets
    assert b"spf=pass smtp.mailfrom=carol@proxied.test" in octets
