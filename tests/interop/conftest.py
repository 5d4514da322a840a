"""Clients of other people, against our doors on free ports."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.servers import running

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors


@pytest.fixture(scope="session")
def imap_doors(shared_db: None, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Doors]":
    from tests.conversations.imap.doors import open_doors

    with running(open_doors(tmp_path_factory.mktemp("tls"))) as opened:
        yield opened
