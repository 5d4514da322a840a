"""A queue that leads out, as rows in a transaction that is rolled back."""

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def direct(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mail leaves, and no notice goes out."""
    settings.RELAY = "direct"
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
