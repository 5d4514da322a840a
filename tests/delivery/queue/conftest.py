"""A queue that leads out, as rows in a transaction that is rolled back."""

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def direct(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mail leaves, and no notice goes out."""
    settings.RELAY = "direct"
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)


@pytest.fixture(autouse=True)
def empty_queue(request: pytest.FixtureRequest) -> None:
    """What other tests have committed is no part of the queue; it is there again when the test is over."""
    from delivery.models import Attempt, Destination, QueuedMessage  # not before Django is set up

    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("db")
        QueuedMessage.objects.all().delete()  # its recipients go along
        Attempt.objects.all().delete()
        Destination.objects.all().delete()
