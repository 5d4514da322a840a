"""What checkers are told of a message that comes in, whom they refuse, and the settings that name them."""

import asyncio
from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from delivery.filters.checkers.asking import ask_checkers
from delivery.filters.checkers.checking import (
    CheckerSettingInvalid,
    configured_checkers,
    parse_milters,
)
from delivery.filters.checkers.milter import MilterPlace
from delivery.filters.checkers.recipients import Leads, refusing_accounts
from delivery.filters.checkers.rspamd import Place, parse_url
from delivery.filters.examination import examine
from delivery.findings import Action, Finding
from mailhost.net.endpoints import Endpoint, EndpointInvalid
from tests.delivery.filters.checkers.looking import milter
from tests.delivery.filters.letters import letter
from tests.support import checker_standins
from tests.support.checker_standins import (
    standing_in,
)
from tests.support.dns_server import dns_server


def test_a_header_that_is_refused_in_any_case_is_told_to_nobody(settings: Settings) -> None:
    settings.SMTP_MAX_HEADER_FIELDS = 6

    async def scenario(*fields: str) -> int:
        async with standing_in(checker_standins.milter()) as server:
            opinion = await ask_checkers(
                letter(*fields), milter(server.endpoint), host_name="mx.here.test", look_ups=None
            )
            assert bool(opinion.findings) == bool(server.connections)
            return server.connections

    assert asyncio.run(scenario("X: 1", "X: 2")) == 1
    assert asyncio.run(scenario("X: 1", "X: 2", "X: 3")) == 0
    settings.SMTP_MAX_HEADER_OCTETS = 100
    assert asyncio.run(scenario()) == 0


@pytest.mark.parametrize("is_trusted", [False, True])
def test_the_name_of_a_client_is_told_where_it_leads_back(is_trusted: bool) -> None:
    async def scenario() -> bytes:
        async with dns_server() as dns, standing_in(checker_standins.milter()) as server:
            dns.say("1.2.0.192.in-addr.arpa", "PTR", "mx.far.test.")
            dns.say("mx.far.test", "A", "192.0.2.1")
            examination = await examine(
                letter(),
                policies={},
                is_trusted=is_trusted,
                asks_accounts=False,
                resolver=dns.resolver(),
                site=None,
                host_name="mx.here.test",
                now=datetime(2026, 11, 23, 10, 0, tzinfo=UTC),
                checkers=milter(server.endpoint),
            )
            assert bool(examination.results_field) is not is_trusted
            assert sum("PTR" in str(question) for question in dns.asked) <= 1
            await server.rest()
            return server.asked[0]

    assert b"\nCmx.far.test\x004\0\x00192.0.2.1\0" in asyncio.run(scenario())


def test_an_account_that_another_address_leads_to_is_not_refused() -> None:
    no = Finding("milter", "reject", "No.", at_least=Action.REFUSE)
    leads = {"a@x.test": Leads((1, 2)), "b@x.test": Leads((2,)), "c@x.test": Leads((3,), is_elsewhere=True)}
    assert refusing_accounts({"a@x.test": no}, leads) == ((), {1: no})
    assert refusing_accounts({"c@x.test": no}, leads) == ((no,), {3: no})


def test_none_is_asked_unless_it_is_set(settings: Settings) -> None:
    assert not configured_checkers()
    settings.MILTERS = ("dkim=unix:/run/opendkim.sock", "127.0.0.1:8891")
    assert configured_checkers()
    assert parse_milters(settings.MILTERS) == [
        MilterPlace("dkim", Endpoint(path="/run/opendkim.sock")),
        MilterPlace("127.0.0.1:8891", Endpoint("127.0.0.1", 8891)),
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RSPAMD", "rspamd"), ("RSPAMD", "http://h:1/x"), ("RSPAMD", "http://h:99999"), ("CLAMD", "clamd"),
        ("MILTERS", ("x=",)), ("MILTERS_AWAY", "reject"), ("CLAMD_AWAY", ""), ("RSPAMD_AWAY", "Accept"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_read_is_told(settings: Settings, name: str, value: object) -> None:
    settings.RSPAMD, settings.CLAMD = "http://localhost", "localhost:3310"
    configured_checkers()
    setattr(settings, name, value)
    with pytest.raises(CheckerSettingInvalid):
        configured_checkers()


def test_urls_of_rspamd() -> None:
    assert parse_url("http://rspamd") == Place(Endpoint("rspamd", 11333), "rspamd:11333")
    assert parse_url("unix:/run/rspamd.sock").endpoint == Endpoint(path="/run/rspamd.sock")
    assert parse_url("https://[::1]:8443/").tls is not None
    with pytest.raises(EndpointInvalid):
        parse_url("http://[::1")
