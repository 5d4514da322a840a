"""A pause after a refused password, as other processes know of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any, NoReturn
from uuid import uuid4

import pytest
from django.db import connection, transaction

from delivery.models import SignInPause
from delivery.relay.departure import Credentials, Departure
from delivery.relay.next_hops import NextHop
from delivery.relay.sign_in_pauses import SharedPauses, read_pause, shared_sign_ins, tell_pause
from delivery.relay.sign_ins import FIRST_PAUSE, Pause, SignIns
from mailhost.net.store_threads import StoreUnavailable, in_store
from tests.support.queueing import NOON
from tests.support.running import run

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def no_pauses(shared_db: None) -> None:
    with connection.cursor() as sql:
        sql.execute("TRUNCATE delivery_signinpause")


def in_own_connection(verb: Callable[[], None]) -> None:
    """In a thread, whose connection ends with it."""
    try:
        verb()
    finally:
        connection.close()


def hop(said: str = "geheim") -> NextHop:
    departure = Departure(credentials=Credentials("us", said))
    return NextHop(f"{uuid4()}.test", "192.0.2.1", 587, departure=departure)


def pause(*, minutes: int = 5, said: str = "The server does not let this host in.") -> Pause:
    return Pause(NOON + minutes * MINUTE, "4.7.8", said)


def test_it_is_told_until_it_is_over_by_what_is_said_to_whom() -> None:
    there = hop()
    assert read_pause(there, now=NOON) is None
    tell_pause(there, pause(), now=NOON)
    assert read_pause(there, now=NOON) == pause()
    assert read_pause(there, now=NOON + 5 * MINUTE) is None
    assert read_pause(replace(there, departure=hop("other").departure), now=NOON) is None
    assert read_pause(replace(there, port=465), now=NOON) is None


def test_the_longer_one_counts_and_those_that_are_over_go() -> None:
    there, other = hop(), hop()
    tell_pause(there, pause(minutes=10), now=NOON)
    tell_pause(there, pause(minutes=5), now=NOON)
    assert read_pause(there, now=NOON) == pause(minutes=10)
    tell_pause(other, pause(minutes=20), now=NOON + 10 * MINUTE)
    assert SignInPause.objects.count() == 1
    tell_pause(there, pause(minutes=30), now=NOON + 20 * MINUTE)
    assert read_pause(there, now=NOON + 20 * MINUTE) == pause(minutes=30)


def test_two_that_tell_at_once_do_not_wait_for_each_other() -> None:
    """Each would remove what is over, and be it the row that the other one is writing."""
    here, there = hop(), hop()
    for each, said in ((here, "here"), (there, "there")):
        tell_pause(each, pause(minutes=1, said=said), now=NOON)
    later = NOON + 5 * MINUTE

    def tell_there() -> None:
        with transaction.atomic(), connection.cursor() as sql:
            sql.execute("SET LOCAL lock_timeout = '5s'")
            tell_pause(there, pause(minutes=20), now=later)

    with transaction.atomic(), ThreadPoolExecutor(1) as thread:
        SignInPause.objects.select_for_update().get(said="here")  # as one that has begun to write it
        thread.submit(in_own_connection, tell_there).result(30)
        tell_pause(here, pause(minutes=20), now=later)
    assert {read_pause(each, now=later) for each in (here, there)} == {pause(minutes=20)}


def test_no_password_is_written() -> None:
    tell_pause(hop("geheim-und-lang"), pause(), now=NOON)
    assert "geheim-und-lang" not in str(SignInPause.objects.values_list().get())


def test_what_one_worker_was_told_another_one_asks_before_it_tries() -> None:
    """And after a pause in a row the next one is longer, whichever of them hears the refusal."""

    async def scenario() -> None:
        there, now = hop(), [NOON]
        one, other = (
            SignIns(lambda: now[0], others=SharedPauses(in_store, lambda: now[0])) for _ in range(2)
        )
        async with one.turn(there):
            assert one.refusal(there) is None
            await one.note_refusal(there, status="4.7.8", said="No.")
        assert other.refusal(there) is None  # it has not asked
        async with other.turn(there):
            assert "No. It is left alone until 12:05 UTC" in getattr(other.refusal(there), "reply", "")
        now[0] += FIRST_PAUSE
        async with other.turn(there):
            assert other.refusal(there) is None
            await other.note_refusal(there, status="4.7.8", said="Never.")
        assert "until 12:15 UTC" in getattr(other.refusal(there), "reply", "")

    run(scenario())


def test_whoever_is_let_in_asks_nobody() -> None:
    async def scenario() -> None:
        there = hop()

        async def refuse(*_: Any, **__: Any) -> NoReturn:
            raise AssertionError("asked")

        sign_ins = SignIns(lambda: NOON, others=SharedPauses(refuse, lambda: NOON))
        sign_ins.note_success(there)
        async with sign_ins.turn(there):
            pass

    run(scenario())


def test_tries_know_it_before_they_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        there = hop()
        monkeypatch.setattr("delivery.relay.sign_in_pauses.timezone.now", lambda: NOON)
        await in_store(tell_pause, there, pause(), now=NOON)
        assert (await shared_sign_ins([there])).refusal(there) is not None
        assert (await shared_sign_ins([hop()])).refusal(there) is None

    run(scenario())


def test_while_the_database_is_away_nobody_knows() -> None:
    async def scenario() -> None:
        async def away(*_: Any, **__: Any) -> NoReturn:
            raise StoreUnavailable("away")

        there = hop()
        sign_ins = SignIns(lambda: NOON, others=SharedPauses(away, lambda: NOON))
        async with sign_ins.turn(there):
            await sign_ins.note_refusal(there, status="4.7.8", said="No.")
        assert sign_ins.refusal(there) is not None

    run(scenario())
