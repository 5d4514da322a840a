"""Tests of routes begin with an empty queue and without routes."""

from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django import Settings

from delivery.queue import route_rules


@pytest.fixture(autouse=True)
def no_routes(settings: Settings, monkeypatch: pytest.MonkeyPatch, shared_db: None) -> Iterator[None]:
    """Mail goes to test servers, nobody but the test asks for rounds, and rules of another test are forgotten."""
    settings.RELAY = "direct"
    settings.RELAY_TO_PRIVATE = True
    for place in ("delivery.queue.enqueue", "delivery.queue.route_moves"):
        monkeypatch.setattr(f"{place}.relay_is_due", lambda: None)
    monkeypatch.setattr("delivery.routes.making.routes_changed", lambda: None)
    empty()
    yield
    empty()


def empty() -> None:
    """Of this process and of the database."""
    with connection.cursor() as sql:
        sql.execute(
            "TRUNCATE delivery_attempt, delivery_queuedrecipient, delivery_queuedmessage, delivery_destination, "
            "delivery_outboundroute, delivery_routechange, delivery_signinpause"
        )
    route_rules.forget()
