"""The SMTP doors, open on free ports for the whole run."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.servers import running

if TYPE_CHECKING:
    from tests.conversations.smtp.listening import Doors


@pytest.fixture(scope="session")
def smtp(shared_db: None, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Doors]":
    from tests.conversations.smtp.listening import (
        open_doors,  # needs Django, which is not ready when this is read
    )

    with running(open_doors(tmp_path_factory.mktemp("tls"))) as opened:
        yield opened
