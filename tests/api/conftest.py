"""The API as a program with a key sees it."""

import pytest

from tests.api.asking import Api


@pytest.fixture
def api(db: None) -> Api:
    """With a key, on a database of its own."""
    from mailboxes.api_keys import add_api_key  # models cannot be imported before Django is set up

    return Api(add_api_key(name="robot", by="test"))
