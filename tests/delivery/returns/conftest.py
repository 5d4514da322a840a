"""A queue that leads out, as rows in a transaction that is rolled back."""

import pytest
from pytest_django import Settings

from tests.delivery.queue.conftest import direct, empty_queue  # noqa: F401  fixtures of this package too


@pytest.fixture
def verp(settings: Settings) -> None:
    """Each recipient's copy has a reverse-path of its own."""
    settings.VERP = True
