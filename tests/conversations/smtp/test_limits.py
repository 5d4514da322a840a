"""The sizes that everybody must take, and the times that everybody must give (RFC 5321 section 4.5.3)."""

import pytest
from django.conf import settings as house

from delivery.relay.connection import RFC_TIMEOUTS
from mailboxes.models import Account
from tests.conversations.smtp.listening import Doors
from tests.conversations.smtp.reading import inbox
from tests.support.hosting import new_account
from tests.support.transcript import Client, converse

GREETED = "S: 220 …\nC: EHLO client.test\nS~ 250 HELP\n"


@pytest.fixture
def alice(smtp: Doors) -> Account:
    return new_account("alice")


def mail(smtp: Doors, line: str, reply: str) -> None:
    converse(smtp.ports.smtp, f"{GREETED}C: {line}\nS: {reply} …\n")


def rcpt(smtp: Doors, path: str, reply: str) -> None:
    converse(smtp.ports.smtp, f"{GREETED}C: MAIL FROM:<>\nS: 250 …\nC: RCPT TO:<{path}>\nS: {reply} …\n")


def test_local_parts(smtp: Doors) -> None:
    """4.5.3.1.1: 64 octets; longer ones are out there (VERP, SRS), and refusing them loses mail."""
    mail(smtp, f"MAIL FROM:<{'a' * 64}@b.test>", "250 2.1.0")
    mail(smtp, f"MAIL FROM:<{'a' * 65}@b.test>", "250 2.1.0")


def test_domains(smtp: Doors) -> None:
    """4.5.3.1.2: 255 octets, which is 253 written out (RFC 1035)."""
    domain = ".".join(["d" * 63] * 3)  # 191 octets
    mail(smtp, f"MAIL FROM:<a@{domain}.{'e' * 55}.test>", "250 2.1.0")
    mail(smtp, f"MAIL FROM:<a@{'d' * 64}.test>", "501 5.1.7")
    mail(smtp, f"MAIL FROM:<a@{domain}.{'e' * 63}>", "501 5.1.7")


def test_paths(smtp: Doors) -> None:
    """4.5.3.1.3: 256 octets with the brackets."""
    domain = ".".join(["d" * 63] * 3)
    mail(smtp, f"MAIL FROM:<{'a' * 57}@{domain}.test>", "250 2.1.0")
    mail(smtp, f"MAIL FROM:<{'a' * 58}@{domain}.test>", "501 5.1.7")
    rcpt(smtp, f"{'a' * 57}@{domain}.test", "550 5.7.1")
    rcpt(smtp, f"{'a' * 58}@{domain}.test", "501 5.1.3")


def test_command_lines(smtp: Doors) -> None:
    """4.5.3.1.4: 512 octets with CRLF; and replies have no more (4.5.3.1.5), whatever they repeat."""
    converse(smtp.ports.smtp, f"S: 220 …\nC: NOOP {'x' * 505}\nS: 250 …\nC: NOOP {'x' * 506}\nS: 500 5.5.2 …")
    with Client(smtp.ports.smtp) as client:
        client.send(b"EHLO " + b"h" * 505 + b"\r\nMAIL FROM:<> " + b"P" * 1_900 + b"\r\nQUIT\r\n")
        lines = list(iter(client.read_line, None))
    assert max(map(len, lines)) <= 512
    assert lines[-2].startswith(b"555 5.5.4")


def test_mail_and_rcpt_with_the_longest_parameters(smtp: Doors, alice: Account) -> None:
    """RFC 3461 section 5.1 adds 107 and 528 octets, RFC 4954 section 5 another 500."""
    mail(smtp, f"MAIL FROM:<> RET=FULL ENVID={'e' * 100} SIZE=9 BODY=8BITMIME AUTH={'a' * 494}", "250 2.1.0")
    orcpt = f"NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;{'o' * 493}"
    script = f"C: MAIL FROM:<>\nS: 250 …\nC: RCPT TO:<{{alice}}> {orcpt}\nS: 250 2.1.5 …"
    converse(smtp.ports.smtp, GREETED + script, alice=alice.login)


def test_text_lines_and_messages(smtp: Doors, alice: Account) -> None:
    """4.5.3.1.6 and 4.5.3.1.7: lines of 1,000 octets with CRLF, messages of 64 K octets."""
    with Client(smtp.ports.smtp) as client:
        client.send(b"EHLO a\r\nMAIL FROM:<>\r\n" + f"RCPT TO:<{alice.login}>\r\nDATA\r\n".encode())
        text = b"Subject: x\r\n\r\n" + (b"y" * 998 + b"\r\n") * 66
        client.send(text + b".\r\nQUIT\r\n")
        lines = list(iter(client.read_line, None))
    assert lines[-2].startswith(b"250 2.0.0")
    assert inbox(alice)[0].endswith(text)


def test_a_hundred_recipients(smtp: Doors, alice: Account) -> None:
    """4.5.3.1.8 and 4.5.3.1.10: at least 100, then 452; LIMITS tells how many (RFC 9422)."""
    assert house.SMTP_MAX_RECIPIENTS >= 100
    script = "C: MAIL FROM:<>\nS: 250 …\n" + "C: RCPT TO:<{alice}>\nS: 250 …\n" * 100
    converse(smtp.ports.smtp, GREETED + script, alice=alice.login)


def test_times() -> None:
    """4.5.3.2: minutes, as a server (4.5.3.2.7) and as a client."""
    assert house.SMTP_TIMEOUT_SECONDS >= 5 * 60
    assert (RFC_TIMEOUTS.greeting, RFC_TIMEOUTS.command) == (5 * 60, 5 * 60)
    assert (RFC_TIMEOUTS.data, RFC_TIMEOUTS.block, RFC_TIMEOUTS.final_dot) == (2 * 60, 3 * 60, 10 * 60)


@pytest.mark.parametrize("name", ["[192.0.2.7]", "[IPv6:2001:db8::1]", "[IPv6:::ffff:192.0.2.7]"])
def test_address_literals_in_ehlo(smtp: Doors, alice: Account, name: str) -> None:
    """4.1.3 and 4.1.4: taken, and told in Received."""
    script = """
        S: 220 …
        C: EHLO {name}
        S~ 250 HELP
        C: MAIL FROM:<a@{name}>
        S: 250 …
        C: RCPT TO:<{alice}>
        S: 250 …
        C: DATA
        S: 354 …
        C: .
        S: 250 …
    """
    converse(smtp.ports.smtp, script.replace("{name}", name), alice=alice.login)
    assert f"Received: from {name} ([127.0.0.1])".encode() in inbox(alice)[0]


def test_address_literals_in_rcpt(smtp: Doors) -> None:
    """4.1.3: nobody's mailbox but the postmaster's is at one, and nothing is relayed to others."""
    new_account("postmaster")
    rcpt(smtp, "postmaster@[127.0.0.1]", "250 2.1.5")
    rcpt(smtp, "PostMaster@[127.0.0.1]", "250 2.1.5")
    rcpt(smtp, "postmaster@[192.0.2.1]", "550 5.7.1")
    rcpt(smtp, "alice@[127.0.0.1]", "550 5.7.1")
    rcpt(smtp, "alice@[127.0.0.1", "501 5.1.3")
    rcpt(smtp, "alice@127.0.0.1", "501 5.1.3")


def test_postmaster_without_a_domain(smtp: Doors) -> None:
    """4.5.1: <Postmaster>, in any case of letters."""
    new_account("postmaster")
    for path in ("Postmaster", "postmaster", "POSTMASTER"):
        rcpt(smtp, path, "250 2.1.5")


def test_the_postmaster_of_the_host(smtp: Doors) -> None:
    """4.5.1: reports and alerts come from there, whether or not the name of the host is a hosted domain."""
    new_account("postmaster")
    rcpt(smtp, f"Postmaster@{house.HOSTNAME.upper()}", "250 2.1.5")
    rcpt(smtp, f"alice@{house.HOSTNAME}", "550 5.7.1")


def test_source_routes_are_stripped(smtp: Doors, alice: Account) -> None:
    """Appendix C and section 3.6.1."""
    rcpt(smtp, f"@hop.test,@[192.0.2.1]:{alice.login}", "250 2.1.5")
    rcpt(smtp, "@hosted.test:alice@elsewhere.test", "550 5.7.1")
    rcpt(smtp, f"elsewhere.test!bob%far.test@{alice.login.partition('@')[2]}", "550 5.1.1")
