"""Notices of changed mailboxes over Valkey, and the watcher's own look where they do not come."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from mailhost.net.announcements import Poll, Watcher, announce, announce_account
from mailhost.net.redis_clients import Breaker, RedisAway, client_for, shared_breaker
from tests.support.running import run

_ids = itertools.count(1_000_000)


@pytest.fixture(autouse=True)
def redis_is_there() -> None:
    """Whatever an earlier test took away: the breaker would keep notices back for seconds."""
    shared_breaker.cache_clear()


class Modseqs:
    """A store: what poll answers, and an event for each time it was asked."""

    def __init__(self) -> None:
        self.now: dict[int, int] = {}
        self.asked = 0

    def __call__(self, mailbox_ids: Sequence[int]) -> Mapping[int, int]:
        self.asked += 1
        return {mailbox_id: self.now[mailbox_id] for mailbox_id in mailbox_ids if mailbox_id in self.now}


@asynccontextmanager
async def watching(poll: Poll, *, poll_seconds: float = 60, url: str | None = None) -> AsyncIterator[Watcher]:
    watcher = Watcher(poll, redis_url=url, poll_seconds=poll_seconds, poll_away_seconds=poll_seconds)
    await watcher.start()
    try:
        yield watcher
    finally:
        await watcher.stop()


class Told:
    """A callback that can be waited for."""

    def __init__(self) -> None:
        self.count = 0
        self._event = asyncio.Event()

    def __call__(self) -> None:
        self.count += 1
        self._event.set()

    async def again(self) -> None:
        await asyncio.wait_for(self._event.wait(), 5)
        self._event.clear()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for is in another process
            await asyncio.sleep(0.001)


def test_a_watcher_hears_of_its_mailbox_and_of_no_other() -> None:
    async def scenario() -> None:
        mine, other = next(_ids), next(_ids)
        told, others = Told(), Told()
        store = Modseqs()
        async with watching(store) as watcher:
            await until(
                lambda: watcher.is_connected and not watcher._look_now.is_set()
            )  # its first look is over
            watch = watcher.watch(mine, told)
            watcher.watch(other, others)
            await told.again()  # the confirmation: look now, you may have missed something
            await others.again()
            await asyncio.to_thread(announce, [mine, next(_ids)])
            await told.again()
            assert told.count == 2
            watch.close()
            watch.close()
            await asyncio.to_thread(announce, [mine, other])
            await others.again()
            assert told.count == 2

    run(scenario())


def test_accounts_and_mailboxes_of_the_same_number_are_told_apart() -> None:
    async def scenario() -> None:
        number = next(_ids)
        of_mailbox, of_account = Told(), Told()
        async with watching(Modseqs()) as watcher:
            await until(lambda: watcher.is_connected and not watcher._look_now.is_set())
            watcher.watch(number, of_mailbox)
            watch = watcher.watch_account(number, of_account)
            await of_mailbox.again()
            await of_account.again()
            await asyncio.to_thread(announce_account, [number])
            await of_account.again()
            assert of_mailbox.count == 1
            await asyncio.to_thread(announce, [number])
            await of_mailbox.again()
            assert of_account.count == 2
            watch.close()
            await asyncio.to_thread(announce_account, [number])
            await asyncio.to_thread(announce, [number])
            await of_mailbox.again()
            assert of_account.count == 2
            assert not watcher._accounts.watches

    run(scenario())


def test_a_lost_notice_of_an_account_is_found_by_looking() -> None:
    async def scenario() -> None:
        account_id = next(_ids)
        store, told = Modseqs(), Told()
        store.now[account_id] = 1
        watcher = Watcher(Modseqs(), poll_accounts=store, poll_seconds=0.02, poll_away_seconds=0.02)
        await watcher.start()
        try:
            watcher.watch_account(account_id, told)
            await until(lambda: watcher._accounts.marks.get(account_id) == 1 and told.count >= 2)
            before = told.count
            store.now[account_id] = 2
            await until(lambda: told.count == before + 1)
        finally:
            await watcher.stop()

    run(scenario())


def test_nothing_is_left_of_sessions_that_ended() -> None:
    async def scenario() -> None:
        client = client_for(settings.REDIS_URL)
        ids = [next(_ids) for _ in range(700)]
        async with watching(Modseqs()) as watcher:
            watches = [watcher.watch(one, lambda: None) for one in ids for _ in range(2)]
            await until(
                lambda: dict(client.pubsub_numsub(f"mailbox.{ids[-1]}"))[f"mailbox.{ids[-1]}".encode()] == 1
            )
            for watch in watches:
                watch.close()
            assert not watcher._mailboxes.watches
            await until(
                lambda: dict(client.pubsub_numsub(f"mailbox.{ids[0]}"))[f"mailbox.{ids[0]}".encode()] == 0
            )
            await until(lambda: not watcher._mailboxes.marks)

    run(scenario())


def test_a_lost_notice_is_found_by_looking() -> None:
    async def scenario() -> None:
        mailbox_id = next(_ids)
        store, told = Modseqs(), Told()
        store.now[mailbox_id] = 1
        async with watching(store, poll_seconds=0.02) as watcher:
            watcher.watch(mailbox_id, told)
            await until(lambda: watcher._mailboxes.marks.get(mailbox_id) == 1 and told.count >= 2)
            before, asked = told.count, store.asked
            await until(lambda: store.asked > asked + 2)
            assert told.count == before  # nothing changed, nobody is told
            store.now[mailbox_id] = 2
            await until(lambda: told.count == before + 1)
            del store.now[mailbox_id]  # the mailbox goes
            await until(lambda: told.count == before + 2)

    run(scenario())


def test_without_redis_watchers_look_for_themselves(tmp_path: Path) -> None:
    async def scenario() -> None:
        mailbox_id = next(_ids)
        store, told = Modseqs(), Told()
        async with watching(store, poll_seconds=0.02, url=f"unix://{tmp_path}/nobody") as watcher:
            watcher.watch(mailbox_id, told)
            await told.again()
            assert not watcher.is_connected
            store.now[mailbox_id] = 2
            await told.again()

    run(scenario())


def test_a_connection_that_is_cut_is_made_again_and_the_gap_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mailhost.net.announcements.RECONNECT_SECONDS", 0.01)

    async def scenario() -> None:
        mailbox_id = next(_ids)
        store, told = Modseqs(), Told()
        async with watching(store) as watcher:
            watcher.watch(mailbox_id, told)
            await told.again()
            await until(lambda: store.asked > 0)
            asked = store.asked
            client_for(settings.REDIS_URL).client_kill_filter(_type="pubsub")
            await until(lambda: store.asked > asked)
            await until(lambda: watcher.is_connected)
            count = told.count
            await until(lambda: announce([mailbox_id]) is None and told.count > count)  # type: ignore[func-returns-value]

    run(scenario())


def test_announcing_without_redis_is_no_failure(tmp_path: Path) -> None:
    shared_breaker.cache_clear()
    with override_settings(REDIS_URL=f"unix://{tmp_path}/nobody"):
        announce([1, 2])
        announce([])
    shared_breaker.cache_clear()


def test_after_redis_hung_up_one_notice_may_be_lost_and_the_next_ones_are_heard() -> None:
    async def scenario() -> None:
        mailbox_id = next(_ids)
        store, told = Modseqs(), Told()
        clock = iter(range(0, 1_000_000, 10))  # each question comes after the breaker's pause
        breaker = Breaker(client_for(settings.REDIS_URL), clock=lambda: float(next(clock)))
        async with watching(store) as watcher:
            watcher.watch(mailbox_id, told)
            await told.again()
            command = [("PUBLISH", f"mailbox.{mailbox_id}", b"")]
            breaker.send(command)
            await told.again()
            client_for(settings.REDIS_URL).client_kill_filter(_type="normal", skipme=True)
            for _ in range(3):
                try:
                    breaker.send(command)
                except RedisAway:
                    continue
            await told.again()

    run(scenario())
