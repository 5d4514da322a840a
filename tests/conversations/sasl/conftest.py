"""The TLS doors of IMAP, POP3 and submission, open for the whole run."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.support.sasl_doors import DOORS, SaslDoor
from tests.support.servers import running
from tests.support.transcript import Client

if TYPE_CHECKING:
    from mailboxes.models import Account


@pytest.fixture(scope="session")
def tls_ports(shared_db: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """By protocol."""
    from tests.conversations.imap import doors as imap
    from tests.conversations.pop3 import doors as pop3
    from tests.conversations.smtp import listening as smtp

    with (
        running(imap.open_doors(tmp_path_factory.mktemp("tls"))) as imap_doors,
        running(pop3.open_doors(tmp_path_factory.mktemp("tls"))) as pop3_ports,
        running(smtp.open_doors(tmp_path_factory.mktemp("tls"))) as smtp_doors,
    ):
        yield {"imap": imap_doors.tls, "pop3": pop3_ports["pop3s"], "smtp": smtp_doors.ports.submissions}


@pytest.fixture
def enter(tls_ports: dict[str, int]) -> Iterator[Callable[[str], SaslDoor]]:
    """Opens a session over TLS by protocol, and reads what it says at first."""
    with ExitStack() as clients:

        def open_one(protocol: str) -> SaslDoor:
            door = DOORS[protocol](clients.enter_context(Client(tls_ports[protocol], tls=True)))
            door.greet(door.client)
            return door

        yield open_one


@pytest.fixture
def account(shared_db: None) -> "Account":
    from tests.support.hosting import new_account

    return new_account()
