"""A route's demand of verified TLS straight to MX hosts, from the queue to real servers (RFC 7672 section 6)."""

from typing import Final

import pytest
from pytest_django import Settings

from delivery.models import Attempt, Destination, QueuedMessage, QueuedRecipient, RouteTls
from mailhost.net.store_threads import in_store
from tests.delivery.relay.tls.test_journeys import HOST, RIGHT, last_attempt, world
from tests.delivery.routes.test_by_route import route
from tests.support.authorities import self_signed
from tests.support.queueing import NOON, queue, state
from tests.support.running import run

SELF_SIGNED: Final = self_signed("somebody.else.test", now=NOON)


def test_a_routes_own_demand_is_not_ignored_by_what_ignores_recipients_policies(settings: Settings) -> None:
    async def scenario() -> None:
        async with world(settings) as w:
            w.sink.tls = SELF_SIGNED.context()
            await in_store(route, "safe", tls=RouteTls.REQUIRED, recipient_domains=("far.test",))
            await in_store(queue, "bob@far.test")
            await in_store(QueuedMessage.objects.update, ignores_tls=True)
            await w.work()
            assert await in_store(state, "bob@far.test") == "deferred"
            assert w.sink.connections == 1
            assert await in_store(Attempt.objects.count) == 1
            # In the same look as what does not ignore them.
            w.sink.tls = RIGHT.context()
            await in_store(queue, "carol@far.test")
            await in_store(QueuedRecipient.objects.update, state="queued")
            await in_store(Destination.objects.update, next_attempt_at=NOON)
            await in_store(QueuedRecipient.objects.update, next_attempt_at=NOON)
            await w.work()
            assert len(w.sink.received) == 2
            assert len({each.connection for each in w.sink.received}) == 1

    run(scenario())


@pytest.mark.parametrize("is_named_in_dns", [False, True])
def test_a_certificate_that_tlsa_records_name_is_as_good_as_an_authoritys(
    settings: Settings, is_named_in_dns: bool
) -> None:
    async def scenario() -> None:
        async with world(settings) as w:
            w.sink.tls = SELF_SIGNED.context()
            if is_named_in_dns:
                w.sign(f"3 0 0 {SELF_SIGNED.der.hex()}")
            await in_store(route, "safe", tls=RouteTls.REQUIRED, recipient_domains=("far.test",))
            await in_store(queue, "bob@far.test")
            await w.work()
            row = await in_store(last_attempt)
            if is_named_in_dns:
                assert row["certificate"] == "dane-ee verified"
                assert len(w.sink.received) == 1
            else:
                assert await in_store(state, "bob@far.test") == "deferred"
                assert row["reply"].startswith(
                    "mx.far.test could not be verified as the route safe asks. The certificate is for "
                    "somebody.else.test"
                )

    run(scenario())


def test_without_tlsa_records_names_and_authorities_count_and_with_others_they_do_not(
    settings: Settings,
) -> None:
    async def scenario() -> None:
        async with world(settings) as w:
            w.sink.tls = RIGHT.context()
            await in_store(route, "safe", tls=RouteTls.REQUIRED, recipient_domains=("far.test",))
            await in_store(queue, "bob@far.test")
            await w.work()
            assert (await in_store(last_attempt))["certificate"] == "route verified"
            w.sign(f"3 0 0 {SELF_SIGNED.der.hex()}")
            await in_store(queue, "carol@far.test")
            await w.work()
            assert await in_store(state, "carol@far.test") == "deferred"
            assert (
                f"{HOST} could not be verified as the DNS of far.test (DANE) asks"
                in (await in_store(last_attempt))["reply"]
            )

    run(scenario())
