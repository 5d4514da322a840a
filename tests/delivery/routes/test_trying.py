"""A try of a route: as the worker would connect, with nothing sent; and the page that shows it."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from delivery.models import OutboundRoute, RouteChange
from delivery.probe_steps import State, Step
from delivery.relay.departure import Credentials, Departure, Source
from delivery.relay.next_hops import Route
from delivery.routes.making import RoutePlan, put_route
from delivery.routes.trying import try_route
from tests.support.dns_server import dns_server
from tests.support.queueing import NOON
from tests.support.running import run
from tests.support.smtp_sink import SmtpSink, smtp_sink


async def tried(sink: SmtpSink, **columns: Any) -> list[Step]:
    way = Route(**{"smarthost": (sink.address, sink.port), "name": "smart"} | columns)
    async with dns_server() as dns:
        return await try_route(way, resolver=dns.resolver(), own_name="mail.example.test")


def test_a_try_connects_signs_in_and_sends_nothing() -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.extensions = (*sink.extensions, "AUTH SCRAM-SHA-256")
            sink.login = ("us", "geheim")
            departure = Departure(credentials=Credentials("us", "geheim", allows_clear=True))
            steps = await tried(
                sink,
                departure=departure,
                sources=(Source("127.0.0.2"), Source("127.0.0.3"), Source("203.0.113.9")),
            )
            assert [(each.name, each.state) for each in steps] == [
                ("Addresses", State.FAILED),
                ("Addresses", State.DONE),
                *[
                    ("Connection", State.DONE),
                    ("Encryption", State.NOTED),
                    ("Signing in", State.DONE),
                    ("Extensions", State.DONE),
                ]
                * 2,
            ]
            assert "203.0.113.9" in steps[0].text
            assert sink.clients == ["127.0.0.2", "127.0.0.3"]
            assert not any(each.startswith("MAIL") for each in sink.commands)

    run(scenario())


def test_a_try_says_why_it_failed() -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            [step] = await tried(sink, departure=Departure(credentials=Credentials("us", "geheim")))
            assert (step.name, step.state) == ("Connection", State.FAILED)
            assert "password is not said" in step.text
            [step] = await tried(sink, fault="Its password cannot be read.")
            assert step.text == "Its password cannot be read."
            [step] = await tried(sink, smarthost=None)
            assert step.state is State.NOTED

    run(scenario())


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("routes-op"))
    return client


def test_the_page_makes_changes_and_tries_a_route(operator: Client) -> None:
    listed = operator.get("/admin/delivery/outboundroute/")
    assert b"A route says by which way mail leaves" in listed.content
    form = {
        "name": "news",
        "smarthost": "127.0.0.77",
        "port": "1",
        "tls": "required",
        "login": "us",
        "new_password": " geheim ",
        "sending_domains": "news.test\r\n*.news.test\r\n",
        "recipient_domains": "",
        "sources": "203.0.113.9 out.example.test",
        "ehlo_name": "",
    }
    made = operator.post("/admin/delivery/outboundroute/add/", form)
    assert made.status_code == 302, made.content
    row = OutboundRoute.objects.get(name="news")
    assert row.sending_domains == ["*.news.test", "news.test"]
    assert RouteChange.objects.exists()
    page = operator.get(f"/admin/delivery/outboundroute/{row.pk}/change/").content
    assert b"geheim" not in page
    assert b"news.test" in page
    refused = operator.post(
        f"/admin/delivery/outboundroute/{row.pk}/change/", form | {"tls": "opportunistic"}
    )
    assert b"encryption is to be required" in refused.content
    kept = bytes(row.password)
    changed = operator.post(
        f"/admin/delivery/outboundroute/{row.pk}/change/", form | {"new_password": "", "port": "2"}
    )
    assert changed.status_code == 302, changed.content
    row.refresh_from_db()
    assert (row.port, bytes(row.password)) == (2, kept)
    assert b"203.0.113.9" in operator.get("/admin/delivery/outboundroute/").content
    tried_now = operator.post(f"/admin/delivery/outboundroute/{row.pk}/try/")
    assert b"is not an address of this machine" in tried_now.content
    assert (
        operator.post(f"/admin/delivery/outboundroute/{row.pk}/delete/", {"post": "yes"}).status_code == 302
    )
    assert not OutboundRoute.objects.exists()


def test_nobody_else_tries_one(client: Client) -> None:
    made = put_route(plan=RoutePlan(name="x"), by="op", now=NOON)
    assert client.post(f"/admin/delivery/outboundroute/{made.pk}/try/").status_code == 302
