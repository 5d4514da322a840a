"""DNS for one message: once, in time, and what no answer means."""

import asyncio
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

import pytest

from delivery.filters.look_ups import LookUps
from mailhost.protocols.dns_facts import NotFound, TemporarilyUnavailable
from tests.support.dns_server import DnsServer, dns_server


def asking(use: Callable[[LookUps, DnsServer], Awaitable[None]], *, seconds: float = 5.0) -> None:
    async def run() -> None:
        async with dns_server() as server:
            server.say("far.test", "TXT", '"v=spf1 " "-all"')
            server.say("far.test", "A", "192.0.2.7")
            server.say("far.test", "MX", "20 b.far.test.", "10 a.far.test.")
            server.say("empty.test", "MX")
            server.say("7.2.0.192.in-addr.arpa", "PTR", "far.test.")
            server.silent.add("slow.test")
            server.broken.add("broken.test")
            look_ups = LookUps(server.resolver(), until=asyncio.get_running_loop().time() + seconds)
            try:
                await use(look_ups, server)
            finally:
                await look_ups.close()

    asyncio.run(run())


def test_what_the_standards_modules_ask_for_is_answered() -> None:
    async def use(look_ups: LookUps, server: DnsServer) -> None:
        assert list(await look_ups.txt("far.test")) == [b"v=spf1 -all"]
        assert list(await look_ups.a("far.test")) == [ip_address("192.0.2.7")]
        assert await look_ups.mx("far.test") == ["a.far.test", "b.far.test"]
        assert list(await look_ups.ptr(ip_address("192.0.2.7"))) == ["far.test"]
        assert await look_ups.exists("empty.test")
        assert not await look_ups.exists("nowhere.test")

    asking(use)


def test_a_question_is_asked_once_however_often_it_comes_up() -> None:
    async def use(look_ups: LookUps, server: DnsServer) -> None:
        await asyncio.gather(*(look_ups.txt(name) for name in ("far.test", "FAR.test", "far.test")))
        assert server.asked == [("far.test", "TXT")]

    asking(use)


def test_nothing_there_and_no_answer_are_two_facts() -> None:
    async def use(look_ups: LookUps, server: DnsServer) -> None:
        for name in ("nowhere.test", "empty.test"):
            with pytest.raises(NotFound):
                await look_ups.txt(name)
        with pytest.raises(TemporarilyUnavailable):
            await look_ups.txt("broken.test")

    asking(use)


def test_all_questions_share_one_time() -> None:
    async def use(look_ups: LookUps, server: DnsServer) -> None:
        for _ in range(3):
            with pytest.raises(TemporarilyUnavailable):
                await look_ups.txt("slow.test")

    asking(use, seconds=0.2)
