"""An account that is signed in, and mail for it.

Django is set up only after this file is read, so models are imported where they are needed.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

if TYPE_CHECKING:
    from django.test import Client

    from mailboxes.models import Account

Deliver = Callable[..., int]
Statements = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture
def alice(db: None) -> "Account":
    from tests.support.hosting import new_account

    return new_account("alice")


@pytest.fixture
def signed_in(client: "Client", alice: "Account") -> "Client":
    client.force_login(alice)
    return client


@pytest.fixture
def operator(db: None) -> "Account":
    from mailboxes.accounts import add_operator
    from tests.support.hosting import PASSWORD

    return add_operator(login="root", password=PASSWORD, by="test")


@pytest.fixture
def admin_pages(client: "Client", operator: "Account") -> "Client":
    client.force_login(operator)
    return client


@pytest.fixture
def deliver() -> Deliver:
    """deliver(account, octets, mailbox="INBOX", flags=…) puts a message there; its UID."""
    from tests.webmail.mail import deliver

    return deliver


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Statements:
    """`with statements() as seen:` lists all SQL, also that of the store's own cursors."""

    @contextmanager
    def recording() -> Iterator[list[str]]:
        seen: list[str] = []
        execute = psycopg.Cursor.execute

        def record(self: psycopg.Cursor[Any], query: Any, *args: Any, **kwargs: Any) -> Any:
            seen.append(str(query))
            return execute(self, query, *args, **kwargs)

        with monkeypatch.context() as patched:
            patched.setattr(psycopg.Cursor, "execute", record)
            yield seen

    return recording
