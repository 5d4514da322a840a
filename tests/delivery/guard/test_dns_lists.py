"""Asking DNS lists: who is on one, which ones are not to be believed, and that none is waited for."""

from ipaddress import ip_address

import pytest

from delivery.guard.dns_lists import DnsList, DnsListInvalid, Listings, ask_dns_lists, parse_dns_lists
from tests.support.dns_server import DnsServer, dns_server
from tests.support.running import run

PEER = "192.0.2.99"
NAME = "99.2.0.192"


def ask(
    prepare: object, *words: str, allow: tuple[str, ...] = (), peer: str = PEER, seconds: float = 5.0
) -> Listings:
    found: list[Listings] = []

    async def scenario() -> None:
        async with dns_server() as server:
            assert callable(prepare)
            prepare(server)
            lists = [*parse_dns_lists(words), *parse_dns_lists(allow, is_allow_list=True)]
            found.append(
                await ask_dns_lists(
                    ip_address(peer), lists=lists, resolver=server.resolver(), seconds=seconds
                )
            )

    run(scenario())
    return found[0]


def listed(server: DnsServer) -> None:
    server.say(f"{NAME}.bad.test", "A", "127.0.0.4")
    server.say(f"{NAME}.good.test", "A", "127.0.9.1")


def test_who_is_on_a_block_list_has_points() -> None:
    found = ask(listed, "bad.test=2.5", "other.test")
    assert [(each.result, each.score) for each in found.findings] == [("listed", 2.5)]
    assert found.findings[0].text == "192.0.2.99 is on the block list bad.test (127.0.0.4)."
    assert found.refusal == ""


def test_a_list_may_refuse_and_an_allow_list_saves_from_it() -> None:
    assert "on the list bad.test" in ask(listed, "bad.test=refuse").refusal
    found = ask(listed, "bad.test=refuse", allow=("good.test=2",))
    assert found.refusal == ""
    assert found.is_allowed
    assert sum(each.score for each in found.findings) == 1.0


def test_ipv6_is_asked_by_nibbles() -> None:
    def prepare(server: DnsServer) -> None:
        nibbles = ".".join(reversed("20010db8000000000000000000000001"))
        server.say(f"{nibbles}.bad.test", "A", "127.0.0.2")

    assert len(ask(prepare, "bad.test", peer="2001:db8::1").findings) == 1


@pytest.mark.parametrize("record", ["127.255.255.254", "203.0.113.80"])
def test_what_is_no_answer_lists_nobody(record: str) -> None:
    assert ask(lambda server: server.say(f"{NAME}.bad.test", "A", record), "bad.test") == Listings()


def test_a_list_that_has_everybody_has_nobody() -> None:
    """RFC 5782 section 5: 127.0.0.1 must not be listed."""

    def prepare(server: DnsServer) -> None:
        listed(server)
        server.say("1.0.0.127.bad.test", "A", "127.0.0.4")

    assert ask(prepare, "bad.test=refuse") == Listings()


def test_lists_that_fail_or_keep_silent_say_nothing_and_hold_up_nobody() -> None:
    def prepare(server: DnsServer) -> None:
        listed(server)
        server.silent.add(f"{NAME}.slow.test")
        server.broken.add(f"{NAME}.broken.test")

    found = ask(prepare, "slow.test", "broken.test", "bad.test", seconds=0.5)
    assert [each.text for each in found.findings] == ["192.0.2.99 is on the block list bad.test (127.0.0.4)."]


def test_what_a_setting_may_say() -> None:
    words = ("Zen.Example.org", "a.test=1.5", "b.test.=refuse")
    assert parse_dns_lists(words) == [
        DnsList("zen.example.org", 3.0),
        DnsList("a.test", 1.5),
        DnsList("b.test", 3.0, refuses=True),
    ]
    for word in ("zen", "a.test=", "a.test=lots", "a b.test", "a.test=-1"):
        with pytest.raises(DnsListInvalid):
            parse_dns_lists([word])
    with pytest.raises(DnsListInvalid):
        parse_dns_lists(["a.test=refuse"], is_allow_list=True)
