"""The seam between asyncio and Django: threads with their own connection, and a database that goes and comes."""

import asyncio
import itertools
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test import override_settings

from mailhost.net import store_threads as module
from mailhost.net.store_threads import (
    NobodyWaits,
    Progress,
    StoreThreads,
    StoreUnavailable,
    close_store_threads,
    in_store,
    report,
    watching,
)
from tests.support.running import run


@pytest.fixture
def threads(shared_db: None) -> Iterator[StoreThreads]:
    threads = StoreThreads(2, "test")
    yield threads
    threads.close()


def ask(sql: str) -> Any:
    """One value from the database."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def ask_in_time(sql: str) -> Any:
    """The same, or OperationalError after 10 ms."""
    with transaction.atomic():
        ask("SELECT set_config('statement_timeout', '10', true)")
        return ask(sql)


def ask_apart(sql: str) -> Any:
    """The same over a connection for this one question, from any thread."""
    try:
        return ask(sql)
    finally:
        connection.close()


def terminate(pid: int) -> None:
    """End a server process, and wait until it has ended."""
    ask_apart(f"SELECT pg_terminate_backend({pid}, 5000)")


def wait_until_sleeping(pid: int) -> None:
    """Until that server process is in the middle of pg_sleep."""
    while not ask_apart(f"SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = {pid}"):
        pass


def wait_until_gone(pid: int) -> None:
    """Until that server process has ended: closing does not wait for it."""
    while ask_apart(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}"):
        pass


def backend() -> tuple[str, int]:
    """Which thread, and which server process serves it."""
    return threading.current_thread().name, ask("SELECT pg_backend_pid()")


def test_each_thread_keeps_its_connection(threads: StoreThreads) -> None:
    async def scenario() -> None:
        seen = {await threads.run(backend) for _ in range(5)}
        assert len(seen) == 1  # one caller at a time needs one thread
        both = threading.Barrier(2, timeout=5)

        def together() -> tuple[str, int]:
            both.wait()
            return backend()

        for _ in range(3):
            seen |= set(await asyncio.gather(threads.run(together), threads.run(together)))
        assert len(seen) == len({name for name, _ in seen}) == 2

    run(scenario())


def test_what_a_function_raises_arrives(threads: StoreThreads) -> None:
    def refuse() -> None:
        raise IntegrityError("a fact")

    async def scenario() -> None:
        with pytest.raises(IntegrityError, match="a fact"):
            await threads.run(refuse)
        _, before = await threads.run(backend)
        with pytest.raises(StoreUnavailable, match="refuses for now"):
            await threads.run(ask_in_time, "SELECT pg_sleep(5)")
        assert (await threads.run(backend))[1] == before  # refused, and not lost
        assert await threads.run(ask, "SELECT 1") == 1

    run(scenario())


def test_a_connection_that_was_cut_while_idle_is_replaced_unseen(threads: StoreThreads) -> None:
    async def scenario() -> None:
        _, before = await threads.run(backend)
        await asyncio.to_thread(terminate, before)
        _, after = await threads.run(backend)
        assert after != before

    run(scenario())


def test_a_connection_that_is_cut_in_the_middle_is_told_and_the_next_call_works(
    threads: StoreThreads,
) -> None:
    async def scenario() -> None:
        _, pid = await threads.run(backend)
        working = asyncio.create_task(threads.run(ask, "SELECT pg_sleep(30)"))
        await asyncio.to_thread(wait_until_sleeping, pid)
        await asyncio.to_thread(terminate, pid)
        with pytest.raises(StoreUnavailable):
            await working
        assert await threads.run(ask, "SELECT 1") == 1

    run(scenario())


def test_a_database_that_is_away_is_asked_once_a_second_and_found_again(
    threads: StoreThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = []

    def fail() -> None:
        attempts.append(1)
        connection.close()
        raise OperationalError("connection refused")

    async def scenario() -> None:
        await threads.run(connection_close)
        with pytest.raises(StoreUnavailable):
            await threads.run(fail)
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await threads.run(fail)
        assert len(attempts) == 1
        monkeypatch.setattr(threads, "_away_until", 0.0)  # a second later
        assert await threads.run(ask, "SELECT 1") == 1

    run(scenario())


def connection_close() -> None:
    """This thread's connection, as before its first use."""
    connection.close()


def test_a_caller_that_is_gone_costs_no_work(threads: StoreThreads) -> None:
    done: list[str] = []
    hold = threading.Event()

    async def scenario() -> None:
        busy = [asyncio.create_task(threads.run(hold.wait, 5)) for _ in range(2)]
        await asyncio.sleep(0)
        waiting = asyncio.create_task(threads.run(done.append, "late"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        hold.set()
        await asyncio.gather(*busy)
        await threads.run(done.append, "next")
        assert done == ["next"]

    run(scenario())


def test_after_close_nothing_runs_and_no_connection_is_left(shared_db: None) -> None:
    threads = StoreThreads(1, "test")

    async def scenario() -> None:
        _, pid = await threads.run(backend)
        threads.close()
        with pytest.raises(StoreUnavailable):
            await threads.run(backend)
        await asyncio.to_thread(wait_until_gone, pid)

    run(scenario())


def test_threads_that_look_up_by_key_are_planned_so_after_each_new_connection(shared_db: None) -> None:
    threads = StoreThreads(1, "test", by_key=True)

    def planned() -> tuple[str, str]:
        return ask("SHOW plan_cache_mode"), ask("SHOW enable_seqscan")

    async def scenario() -> None:
        assert await threads.run(planned) == ("force_generic_plan", "off")
        _, pid = await threads.run(backend)
        await asyncio.to_thread(terminate, pid)
        assert await threads.run(planned) == ("force_generic_plan", "off")

    run(scenario())
    threads.close()
    assert planned() == ("auto", "on")


def test_in_store_uses_as_many_threads_as_the_setting_says(shared_db: None) -> None:
    async def scenario() -> None:
        assert (await in_store(backend))[0] == "store-0"
        assert module._default_threads()._size == 3

    close_store_threads()
    with override_settings(STORE_THREADS=3):
        run(scenario())
    close_store_threads()


def test_a_function_reports_how_far_it_is_to_who_watches(threads: StoreThreads) -> None:
    def count() -> str:
        report(3, goal=10)
        return "counted"

    async def main() -> None:
        mine = Progress()
        with watching(mine):
            watched = asyncio.ensure_future(threads.run(count))
        assert await threads.run(count) == "counted"  # nobody watches this one
        assert await watched == "counted"
        assert mine == Progress(3, 10)

    run(main())
    report(1)  # outside of the threads nobody is asked


def test_what_only_reads_ends_when_nobody_waits_for_it(threads: StoreThreads) -> None:
    begun, ended = threading.Event(), threading.Event()

    def read_for_ever() -> None:
        try:
            for number in itertools.count():
                report(number)
                begun.set()
        except NobodyWaits:
            ended.set()
            raise

    async def main() -> None:
        reading = asyncio.ensure_future(threads.run(read_for_ever))
        await asyncio.get_running_loop().run_in_executor(None, begun.wait, 10)
        assert not ended.is_set()
        reading.cancel()
        assert await asyncio.get_running_loop().run_in_executor(None, ended.wait, 10)
        assert await threads.run(ask, "SELECT 1") == 1  # the thread is free again

    run(main())
