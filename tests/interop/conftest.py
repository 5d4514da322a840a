"""Clients of other people, against our doors on free ports."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.servers import running

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors
    from tests.interop.mail_host import MailHost


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the doors keep theirs, and the CA."""
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="session")
def imap_doors(shared_db: None, certificates: Path) -> "Iterator[Doors]":
    from tests.conversations.imap.doors import open_doors

    with running(open_doors(certificates)) as opened:
        yield opened


@pytest.fixture(scope="session")
def imap_plain_port(imap_doors: "Doors") -> int:
    """Where passwords are taken without TLS, as on loopback under `./run`."""
    return imap_doors.plain


@pytest.fixture(scope="session")
def imap_ca(imap_doors: "Doors", certificates: Path) -> Path:
    """The certificate that the doors' own was signed with."""
    return certificates / "ca.pem"


@pytest.fixture(scope="session")
def pop3_doors(shared_db: None, certificates: Path) -> Iterator[dict[str, int]]:
    """Ports by name."""
    from tests.conversations.pop3.doors import open_doors

    with running(open_doors(certificates)) as ports:
        yield ports


@pytest.fixture(scope="session")
def mail_host() -> "Iterator[MailHost]":
    """A host of its own, as `./run` starts it, for what sends mail."""
    from tests.interop.mail_host import mail_host as opened

    with opened() as host:
        yield host
