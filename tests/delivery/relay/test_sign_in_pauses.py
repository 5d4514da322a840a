"""A pause after a refused password, as other processes know of it."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from delivery.relay import sign_in_pauses
from delivery.relay.departure import Credentials, Departure
from delivery.relay.next_hops import NextHop
from delivery.relay.sign_in_pauses import PREFIX, read_pause, tell_pause
from delivery.relay.sign_ins import Pause
from mailhost.net.redis_clients import RedisAway, shared_breaker


def hop(said: str = "geheim") -> NextHop:
    departure = Departure(credentials=Credentials("us", said))
    return NextHop(f"{uuid4()}.test", "192.0.2.1", 587, departure=departure)


def test_it_is_told_until_it_is_over_by_what_is_said_to_whom() -> None:
    there = hop()
    pause = Pause(timezone.now() + timedelta(minutes=5), "4.7.8", "The server does not let this host in.")
    assert read_pause(there) is None
    tell_pause(there, pause)
    assert read_pause(there) == pause
    assert read_pause(replace(there, departure=hop("other").departure)) is None
    assert read_pause(replace(there, port=465)) is None
    tell_pause(there, replace(pause, until=timezone.now() - timedelta(seconds=1)))
    assert read_pause(there) == pause  # what is over is told to nobody


def test_no_password_is_written() -> None:
    there = hop("geheim-und-lang")
    tell_pause(there, Pause(timezone.now() + timedelta(minutes=5), "4.7.8", "No."))
    written = shared_breaker().ask(
        lambda client: [(name, client.get(name)) for name in client.scan_iter(f"{PREFIX}*")]
    )
    assert written
    assert "geheim-und-lang" not in str(written)


def test_without_redis_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def ask(self, function: object) -> None:
            raise RedisAway

    monkeypatch.setattr(sign_in_pauses, "shared_breaker", Away)
    tell_pause(hop(), Pause(timezone.now() + timedelta(minutes=5), "4.7.8", "No."))
    assert read_pause(hop()) is None
