"""The SMTP doors, open on free ports for the whole run."""

from collections.abc import Iterator
from types import SimpleNamespace
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

    failures: list[BaseException] = []
    log = SimpleNamespace(
        error=lambda event, exc_info=None, **_: failures.append(exc_info or RuntimeError(event)),
        warning=lambda event, **_: None,
        info=lambda event, **_: None,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mailhost.net.listeners.log", log)
        with running(open_doors(tmp_path_factory.mktemp("tls"))) as opened:
            yield opened
    # No conversation may end in a mistake of ours, but for the one that is made on purpose.
    assert [failure for failure in failures if not isinstance(failure, ZeroDivisionError)] == []
