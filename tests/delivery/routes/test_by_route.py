"""Mail by routes, from the queue to real servers on 127.0.0.x."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from delivery.models import Attempt, Destination, OutboundRoute, QueuedRecipient, SignInPause
from delivery.queue import route_rules
from delivery.queue.route_moves import move_waiting
from delivery.queue.route_rules import rules
from delivery.routes.making import RoutePlan, put_route, remove_route
from delivery.worker import Worker
from mailhost.net.store_threads import in_store
from tests.delivery.test_worker import bench
from tests.support.queueing import NOON, queue, state, until_idle
from tests.support.running import run
from tests.support.smtp_sink import smtp_sink


def route(name: str, **columns: Any) -> OutboundRoute:
    return put_route(plan=RoutePlan(**{"name": name} | columns), by="op", now=NOON)


def last_reply(forward_path: str) -> str:
    recipient = QueuedRecipient.objects.select_related("destination").get(forward_path=forward_path)
    return recipient.last_reply or recipient.destination.last_reply


def test_one_domain_by_a_smarthost_with_a_password_and_the_others_by_mx(settings: Settings) -> None:
    settings.RELAY_TO_PRIVATE = False  # the operator named the smarthost: there a private address is meant

    async def scenario() -> None:
        async with bench(settings) as b, smtp_sink() as smart:
            smart.extensions = (*smart.extensions, "AUTH SCRAM-SHA-256")
            smart.login = ("us", "geheim")
            await in_store(
                route,
                "smart",
                smarthost="127.0.0.1",
                port=smart.port,
                login="us",
                password="geheim",
                allows_clear=True,
                recipient_domains=("*.partner.test", "partner.test"),
            )
            await in_store(queue, "bob@partner.test", "eve@sub.partner.test", "joe@[127.0.0.1]")
            await b.work()
            assert {each.forward_paths[0] for each in await smart.wait_for(2)} == {
                "bob@partner.test",
                "eve@sub.partner.test",
            }
            assert await in_store(state, "joe@[127.0.0.1]") == "bounced"

    run(scenario())


def test_senders_leave_from_addresses_of_their_own(settings: Settings) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            await in_store(
                route,
                "news",
                sending_domains=("news.test",),
                sources=("127.0.0.4 news.example.test",),
            )
            await in_store(queue, "a@far.test", reverse_path="x@news.test")
            await in_store(queue, "b@far.test", reverse_path="x@other.test")
            await b.work()
            received = {each.forward_paths[0]: each for each in await sink.wait_for(2)}
            assert "EHLO news.example.test" in received["a@far.test"].commands
            assert f"EHLO {settings.HOSTNAME}" in received["b@far.test"].commands
            assert sorted(sink.clients) == ["127.0.0.1", "127.0.0.4"]
            assert await in_store(Destination.objects.count) == 2

    run(scenario())


def test_an_address_that_is_not_here_keeps_mail_waiting_with_words(settings: Settings) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            await in_store(route, "news", sources=("203.0.113.9",))
            await in_store(queue, "a@far.test")
            await b.work()
            assert sink.received == []
            assert "203.0.113.9, which this machine does not have" in await in_store(last_reply, "a@far.test")

    run(scenario())


def test_what_waits_for_a_smarthost_that_is_gone_leaves_when_the_route_is_removed(settings: Settings) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            made = await in_store(route, "smart", smarthost="127.0.0.77", port=1)
            await in_store(queue, "a@far.test")
            await b.work()
            assert await in_store(state, "a@far.test") == "deferred"
            await in_store(remove_route, route_id=made.pk, by="op", now=b.now)
            assert await in_store(move_waiting, now=b.now) == 1
            await b.work()
            [received] = await sink.wait_for(1)
            assert received.forward_paths == ["a@far.test"]
            hosts = await in_store(
                lambda: list(Attempt.objects.order_by("id").values_list("host", flat=True))
            )
            assert hosts == ["127.0.0.77", "mx.far.test"]

    run(scenario())


@pytest.mark.parametrize("gone", [False, True])
def test_a_look_by_a_route_that_changed_meanwhile_sends_nothing_the_old_way(
    settings: Settings, gone: bool
) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink, smtp_sink() as smart:
            made = await in_store(route, "smart", smarthost="127.0.0.1", port=smart.port)
            await in_store(queue, "a@far.test")
            # Nobody has moved anything yet when the worker comes.
            if gone:
                await in_store(remove_route, route_id=made.pk, by="op", now=b.now)
                await b.work()
                assert "is gone" in await in_store(last_reply, "a@far.test")
                await in_store(move_waiting, now=b.now)
            else:
                plan = RoutePlan(
                    name="smart", smarthost="127.0.0.1", port=smart.port, recipient_domains=("near.test",)
                )
                await in_store(put_route, plan=plan, route_id=made.pk, by="op", now=b.now)
            b.now += timedelta(seconds=1)
            await b.work()
            await b.work()
            await sink.wait_for(1)
            assert smart.received == []

    run(scenario())


def test_what_comes_late_by_a_route_that_is_gone_is_moved_as_well(settings: Settings) -> None:
    async def scenario() -> None:
        async with bench(settings) as b, b.server("far.test") as sink:
            made = await in_store(route, "smart", smarthost="127.0.0.77", port=1)
            old = await in_store(rules, fresh=True)
            await in_store(remove_route, route_id=made.pk, by="op", now=b.now - timedelta(hours=1))
            assert await in_store(move_waiting, now=b.now) == 0  # after which no change is known any more
            route_rules._kept.rules, route_rules._kept.until = old, float("inf")
            await in_store(queue, "a@far.test")
            route_rules.forget()
            await b.work()
            assert "is moved to another one soon" in await in_store(last_reply, "a@far.test")
            assert await in_store(move_waiting, now=b.now) == 1
            await b.work()
            [received] = await sink.wait_for(1)
            assert received.forward_paths == ["a@far.test"]

    run(scenario())


def test_a_wrong_password_is_tried_once_for_all_destinations_and_then_left_alone(settings: Settings) -> None:
    def smart_route(port: int, password: str, **found: int) -> OutboundRoute:
        plan = RoutePlan(
            name="smart",
            smarthost="127.0.0.1",
            port=port,
            login="us",
            password=password,
            allows_clear=True,
        )
        return put_route(plan=plan, by="op", now=NOON, **found)

    async def scenario() -> None:
        async with bench(settings) as b, smtp_sink() as smart:
            smart.extensions, smart.login = (*smart.extensions, "AUTH PLAIN"), ("us", "geheim")
            made = await in_store(smart_route, smart.port, "falsch")
            for number in range(4):
                await in_store(queue, f"a@d{number}.test")
            worker, other = b.worker(), b.worker()

            async def tries(*, minutes: float, worker: Worker = worker) -> int:
                b.now += timedelta(minutes=minutes)
                await worker.round()
                await until_idle(worker)
                return sum(each.startswith("AUTH") for each in smart.commands)

            assert await tries(minutes=0) == 1
            for number in range(4):
                assert "535 5.7.8 no" in await in_store(last_reply, f"a@d{number}.test")
            connections = smart.connections
            assert await tries(minutes=3) == 1
            assert smart.connections == connections
            assert "left alone until 12:05 UTC" in await in_store(last_reply, "a@d0.test")
            assert (await in_store(SignInPause.objects.get)).until == NOON + timedelta(minutes=5)
            await in_store(queue, "a@another.test")
            assert (
                await tries(minutes=0, worker=other) == 1
            )  # of another process, which knows of it all the same
            assert "left alone until 12:05 UTC" in await in_store(last_reply, "a@another.test")
            assert await tries(minutes=6) == 2
            await in_store(smart_route, smart.port, "geheim", route_id=made.pk)
            assert (
                await tries(minutes=9.9) > 2
            )  # at 12:18.9, while the old password is left alone until 12:19
            assert await smart.wait_for(1)
            await worker.close()
            await other.close()

    run(scenario())
