"""What MTA-STS asks of connections to a domain (RFC 8461): modes, and for how long a policy is known."""

from datetime import timedelta

from delivery.relay.tls.finding import TlsPolicies
from delivery.relay.tls.mta_sts import KeptPolicy
from delivery.relay.tls.policy import Dane, Opportunistic, Sts
from mailhost.protocols.mta_sts import Mode, StsPolicy
from tests.delivery.relay.tls.test_finding import ENFORCE, NOON, TLSA, world
from tests.support.running import run


def test_an_enforced_policy_keeps_mail_from_hosts_that_it_does_not_name() -> None:
    async def scenario() -> None:
        async with world() as w:
            w.say_sts(ENFORCE)
            found = await w.find("mx.far.test", "mx.evil.test")
            assert [hop.host for hop in found.hops] == ["mx.far.test"]
            assert found.of(found.hops[0]).policy.demand == Sts(ENFORCE)
            assert [(each.mx_host, each.result) for each in w.told] == [
                ("mx.evil.test", "validation-failure")
            ]
            found = await w.find("mx.evil.test")
            assert found.failure is not None
            assert found.failure.status == "4.7.5"
            assert found.failure.reply == (
                "mx.evil.test is not among the mail servers that the MTA-STS policy of far.test allows."
            )

    run(scenario())


def test_testing_mode_keeps_mail_from_nobody() -> None:
    async def scenario() -> None:
        async with world() as w:
            testing = StsPolicy(Mode.TESTING, 86_400, ("mx.far.test",))
            w.say_sts(testing)
            found = await w.find("mx.far.test", "mx.evil.test")
            assert [found.of(hop).policy.demand for hop in found.hops] == [
                Sts(testing),
                Sts(testing, is_named=False),
            ]
            assert w.told == []  # once there are sessions

    run(scenario())


def test_dane_goes_before_mta_sts() -> None:
    """RFC 8461 section 2: MTA-STS never overrides DANE."""

    async def scenario() -> None:
        async with world() as w:
            w.say_sts(StsPolicy(Mode.ENFORCE, 86_400, ("other.far.test",)))
            w.dns.say("_25._tcp.mx.far.test", "TLSA", TLSA)
            w.sign("far.test", "mx.far.test", "_25._tcp.mx.far.test")
            assert isinstance(await w.demand(), Dane)

    run(scenario())


def test_a_policy_is_fetched_once_for_as_long_as_its_id_stays() -> None:
    async def scenario() -> None:
        async with world() as w:
            w.say_sts(ENFORCE)
            for _ in range(3):
                assert await w.demand() == Sts(ENFORCE)
            w.restart()
            assert await w.demand() == Sts(ENFORCE)
            assert w.fetched == ["far.test"]
            testing = StsPolicy(Mode.TESTING, 86_400, ("mx.far.test",))
            w.say_sts(testing, "a2")
            w.restart()  # the record's TTL is over
            assert await w.demand() == Sts(testing)
            assert len(w.fetched) == 2

    run(scenario())


def test_a_policy_that_is_kept_holds_without_record_and_web_server() -> None:
    async def scenario() -> None:
        async with world() as w:
            w.say_sts(ENFORCE)
            await w.demand()
            del w.dns.records["_mta-sts.far.test"]
            w.served.clear()
            w.restart()
            w.now += timedelta(hours=23)
            assert await w.demand() == Sts(ENFORCE)
            w.dns.broken.add("_mta-sts.far.test")
            w.restart()
            assert await w.demand() == Sts(ENFORCE)
            w.now += timedelta(hours=2)  # its time is over
            assert await w.demand() == Opportunistic()
            assert w.told == []

    run(scenario())


def test_a_policy_that_cannot_be_fetched_again_holds_and_that_is_told() -> None:
    async def scenario() -> None:
        async with world() as w:
            w.say_sts(ENFORCE)
            await w.demand()
            w.say_sts(ENFORCE, "a2")
            w.served.clear()
            w.restart()
            assert await w.demand() == Sts(ENFORCE)
            assert [each.result for each in w.told] == ["sts-policy-fetch-error"]
            assert w.told[0].policy_type == "sts"

    run(scenario())


def test_a_web_server_that_is_away_is_asked_again_after_five_minutes() -> None:
    async def scenario() -> None:
        async with world() as w:
            w.say_sts(ENFORCE)
            w.served.clear()
            for _ in range(3):
                assert await w.demand() == Opportunistic()
            assert w.fetched == ["far.test"]
            w.served["far.test"] = ENFORCE
            w.now += timedelta(minutes=4)
            assert await w.demand() == Opportunistic()
            w.now += timedelta(minutes=2)
            assert await w.demand() == Sts(ENFORCE)
            assert len(w.fetched) == 2

    run(scenario())


def test_a_record_with_another_id_is_gone_by_at_once() -> None:
    """RFC 8461 section 3.3: the wait is for each id."""

    async def scenario() -> None:
        async with world() as w:
            w.say_sts(ENFORCE)
            w.served.clear()
            assert await w.demand() == Opportunistic()
            w.say_sts(ENFORCE, "a2")
            w.now += timedelta(seconds=61)
            w.policies = TlsPolicies(w.dns.resolver(), w.policies.sts, w.policies.clock, w.policies.trust)
            assert w.policies.sts is not None
            w.policies.sts.resolver = w.dns.resolver()  # what the one before knows of DNS is over
            assert await w.demand() == Sts(ENFORCE)

    run(scenario())


def test_mode_none_is_no_policy_and_takes_the_place_of_one() -> None:
    async def scenario() -> None:
        async with world() as w:
            w.say_sts(ENFORCE)
            await w.demand()
            w.say_sts(StsPolicy(Mode.NONE, 86_400, ()), "a2")
            w.restart()
            assert await w.demand() == Opportunistic()
            assert await w.demand() == Opportunistic()
            assert len(w.fetched) == 2

    run(scenario())


def test_what_another_process_fetched_is_known_within_a_minute() -> None:
    async def scenario() -> None:
        async with world() as w:
            assert await w.demand() == Opportunistic()
            w.kept["far.test"] = KeptPolicy(ENFORCE, "a1", NOON)
            for _ in range(10):
                assert await w.demand() == Opportunistic()
            assert w.reads == 1  # nothing is asked for each look
            w.now += timedelta(minutes=1)
            assert await w.demand() == Sts(ENFORCE)

    run(scenario())
