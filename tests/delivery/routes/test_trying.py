"""A try of a route: as the worker would connect, with nothing sent."""

from typing import Any

import pytest

from delivery.probe_steps import State, Step
from delivery.relay.departure import Credentials, Departure, Source
from delivery.relay.next_hops import Route
from delivery.routes.trying import try_route
from tests.support.dns_server import dns_server
from tests.support.running import run
from tests.support.smtp_sink import CLOSE, SmtpSink, smtp_sink


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
                    ("Mail", State.DONE),
                ]
                * 2,
            ]
            assert "203.0.113.9" in steps[0].text
            assert sink.clients == ["127.0.0.2", "127.0.0.3"]
            begun = [each for each in sink.commands if each[:4] in ("MAIL", "RSET", "RCPT", "DATA", "QUIT")]
            assert begun == ["MAIL FROM:<>", "RSET", "QUIT"] * 2
            assert sink.received == []

    run(scenario())


def test_who_refused_the_password_is_left_alone_by_the_next_try_unless_it_is_another_password() -> None:
    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.extensions, sink.login = (*sink.extensions, "AUTH PLAIN"), ("us", "geheim")

            async def by(password: str) -> str:
                credentials = Credentials("us", password, allows_clear=True)
                step = (await tried(sink, departure=Departure(credentials=credentials)))[-1]
                return f"{step.name}: {step.text}"

            assert "535 5.7.8 no" in await by("falsch")
            said = await by("falsch")
            assert said.startswith(
                "Signing in: It was not tried. The server does not let this host in (PLAIN): 535"
            )
            assert "It is left alone until" in said
            assert sink.connections == 1
            assert (await by("geheim")).startswith("Mail: It begins to take a message")

    run(scenario())


@pytest.mark.parametrize(
    ("reply", "state", "words"),
    [
        ("530 5.7.0 Authentication required", State.FAILED, "as it is set up here"),
        ("550 5.7.1 Mail relay denied", State.FAILED, "as it is set up here"),
        ("553 5.7.1 <>: not owned by user", State.NOTED, "It takes no notices (MAIL FROM:<>)"),
        ("451 4.3.0 Greylisted, come back", State.NOTED, "mail would wait here, and be tried again later."),
        ("421 4.3.2 Going down", State.NOTED, "It takes nothing just now"),
        (CLOSE, State.FAILED, "It was asked to take mail."),
    ],
)
def test_a_smarthost_that_lets_us_in_and_then_takes_no_mail(reply: str, state: State, words: str) -> None:
    """Signing in is not what shows it: here nobody has told this host that it should."""

    async def scenario() -> None:
        async with smtp_sink() as sink:
            sink.say("MAIL", reply)
            step = (await tried(sink))[-1]
            assert (step.name, step.state) == ("Mail", state)
            assert words in step.text
            assert reply == CLOSE or reply in step.text

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
