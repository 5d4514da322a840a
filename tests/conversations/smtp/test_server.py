"""The process around the sessions: limits on connections, and a clean end."""

import asyncio
import ipaddress
import threading
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from delivery.acceptance import Acceptance, Accepted
from delivery.smtp.server import Ports, doors
from mailboxes.models import Account
from tests.conversations.smtp.listening import open_doors
from tests.conversations.smtp.reading import inbox
from tests.support.hosting import new_account
from tests.support.running import run
from tests.support.servers import running
from tests.support.transcript import Client, Conversation, converse


@pytest.fixture
def alice(shared_db: None) -> Account:
    return new_account("alice")


def test_too_many_connections_are_told_so(shared_db: None, tmp_path: Path, settings: Settings) -> None:
    settings.SMTP_MAX_CONNECTIONS_PER_ADDRESS = 2
    with (
        running(open_doors(tmp_path)) as smtp,
        Client(smtp.ports.smtp) as first,
        Client(smtp.ports.smtp) as second,
    ):
        assert (first.read_line() or b"").startswith(b"220")
        assert (second.read_line() or b"").startswith(b"220")
        converse(smtp.ports.smtp, "S: 421 4.7.0 Too many connections, try again later\nS!")
        with Client(smtp.ports.submission) as other:  # a crowd at one door leaves the other open
            assert (other.read_line() or b"").startswith(b"220")


def test_sessions_are_told_when_the_process_ends(shared_db: None, tmp_path: Path) -> None:
    with Conversation(0) as conversation:
        with running(open_doors(tmp_path)) as smtp:
            conversation.port = smtp.ports.smtp
            conversation.follow("S: 220 …\nC: EHLO a\nS~ 250 HELP\n")
        conversation.follow("S: 421 4.3.2 …\nS!")


def test_a_message_under_way_is_finished_when_the_process_ends(alice: Account, tmp_path: Path) -> None:
    begun = threading.Event()
    with running(open_doors(tmp_path)) as smtp:
        client = Client(smtp.ports.smtp)
        accept = smtp.host.accept

        async def slow(acceptance: Acceptance) -> Accepted:
            begun.set()
            await asyncio.sleep(0.2)  # the listeners close meanwhile
            return await accept(acceptance)

        smtp.host.accept = slow
        client.send(
            f"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<{alice.login}>\r\nDATA\r\nSubject: x\r\n.\r\n".encode()
        )
        assert begun.wait(10)
    replies = list(iter(client.read_line, None))
    client.close()
    assert replies[-2].startswith(b"250 2.0.0 ")
    assert replies[-1].startswith(b"421 4.3.2 ")
    assert len(inbox(alice)) == 1


def test_behind_a_balancer_the_client_is_who_it_says(
    alice: Account, tmp_path: Path, settings: Settings
) -> None:
    """proxy-protocol.txt; and a client elsewhere may not sign in without TLS because its balancer is here."""
    settings.PROXY_NETWORKS = (ipaddress.ip_network("127.0.0.0/8"),)
    settings.ALLOW_PLAINTEXT_LOGIN = True
    header = "C: PROXY TCP4 192.0.2.7 198.51.100.2 4711 25\n"
    with running(open_doors(tmp_path)) as smtp:
        converse(
            smtp.ports.smtp,
            header
            + """
            S: 220 …
            C: EHLO client.test
            S~ 250 HELP
            C: MAIL FROM:<>
            S: 250 …
            C: RCPT TO:<{alice}>
            S: 250 …
            C: DATA
            S: 354 …
            C: Subject: x
            C: .
            S: 250 …
            """,
            alice=alice.login,
        )
        script = "S: 220 …\nC: EHLO client.test\nS~ 250 HELP\nC: MAIL FROM:<{alice}>\nS: 530 5.7.0 …STARTTLS…"
        converse(smtp.ports.submission, header + script, alice=alice.login)
    [octets] = inbox(alice)
    assert b"Received: from client.test ([192.0.2.7])\r\n" in octets


def test_nobody_else_may_say_who_he_is(alice: Account, tmp_path: Path) -> None:
    with running(open_doors(tmp_path)) as smtp:
        converse(smtp.ports.smtp, "S: 220 …\nC: PROXY TCP4 192.0.2.7 198.51.100.2 4711 25\nS: 500 5.5.1 …")


def test_a_process_may_leave_submissions_to_others(shared_db: None, tmp_path: Path) -> None:
    found: list[Ports] = []
    with running(open_doors(tmp_path)) as opened:

        async def scenario() -> None:
            without = doors(opened.host, bind_to="127.0.0.1", ports=Ports(0, 0, 0), is_inbound_only=True)
            async with without as ports:
                found.append(ports)

        run(scenario())
    assert found == [Ports(found[0].smtp, 0, 0)]
    assert found[0].smtp
