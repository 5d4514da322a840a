"""The programs, started once for all tests that need them, and port 25 before them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.servers import running

if TYPE_CHECKING:
    from tests.conversations.smtp.listening import Doors
    from tests.interop.checkers.programs import Running


@pytest.fixture(scope="session")
def checked_doors(shared_db: None, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Doors]":
    """Each test says which checkers are asked."""
    from tests.conversations.smtp.listening import open_doors

    with running(open_doors(tmp_path_factory.mktemp("tls"))) as doors:
        yield doors


@pytest.fixture(scope="session")
def clamd() -> "Iterator[Running]":
    from tests.interop.checkers import programs

    with programs.clamd() as started:
        yield started


@pytest.fixture(scope="session")
def rspamd() -> "Iterator[Running]":
    from tests.interop.checkers import programs

    with programs.rspamd() as started:
        yield started
