"""A domain administrator who is signed in, what came for her domain, and what came for one that is none of hers.

Django is set up only after this file is read, so models are imported where they are needed.
"""

from typing import TYPE_CHECKING

import pytest

from tests.webmail.conftest import statements

__all__ = ["statements"]

if TYPE_CHECKING:
    from django.test import Client

    from mailboxes.models import Account


@pytest.fixture
def ours(db: None) -> str:
    """The domain that she administers; no account of it does."""
    from tests.support.hosting import new_domain

    return new_domain()


@pytest.fixture
def theirs(db: None) -> str:
    """Hosted here as well."""
    from tests.support.hosting import new_domain

    return new_domain()


@pytest.fixture
def ada(ours: str) -> "Account":
    """The administrator, with an address elsewhere on this host."""
    from mailboxes.administration import appoint_administrator
    from tests.support.hosting import new_account

    ada = new_account("ada")
    appoint_administrator(domain=ours, login=ada.login, by="test")
    return ada


@pytest.fixture
def pages(client: "Client", ada: "Account") -> "Client":
    """Her browser."""
    client.force_login(ada)
    return client
