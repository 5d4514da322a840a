"""What is told of a sign-in that failed: never what the server was told, whatever it repeats of it."""

import base64
from collections.abc import Callable

import pytest

from delivery.relay.authentication import SignInFailed, sign_in
from delivery.relay.departure import Credentials
from delivery.relay.wire import WireLost
from mailhost.protocols.smtp.client import Extensions, ServerReply
from tests.support.running import run

US = Credentials("our-account", "geheim-und-lang")
PLAIN = base64.b64encode(f"\0{US.login}\0{US.password}".encode()).decode()


def failed(mechanism: str, answer: Callable[[bytes], ServerReply]) -> SignInFailed | None:
    async def ask(line: bytes) -> ServerReply:
        return answer(line)

    found: list[SignInFailed | None] = []

    async def scenario() -> None:
        extensions = Extensions({"AUTH": mechanism})
        found.append(await sign_in(ask, extensions=extensions, credentials=US, is_verified=True))

    run(scenario())
    return found[0]


def refuse(text: str) -> Callable[[bytes], ServerReply]:
    return lambda line: ServerReply(535, (text.format(line=line.decode().strip()),))


@pytest.mark.parametrize(
    "text",
    [
        "5.7.8 Not understood: {line}",
        f"5.7.8 {PLAIN[:20]} {PLAIN[20:]}",
        f"5.7.8 set_id={US.login}, with {US.password}!",
    ],
    ids=["whole", "in two parts", "decoded"],
)
def test_a_server_that_repeats_what_it_was_told_tells_nobody_else(text: str) -> None:
    found = failed("PLAIN", refuse(text))
    assert found is not None
    assert not any(each in found.text for each in (US.login, US.password, PLAIN[:20], PLAIN[20:]))
    assert found.text.startswith("The server does not let this host in (PLAIN): 535 5.7.8 ")


def test_so_with_each_word_of_login() -> None:
    def answer(line: bytes) -> ServerReply:
        said = base64.b64encode(US.password.encode()).decode()
        return ServerReply(500, (f"What is {said}?",)) if said in line.decode() else ServerReply(334, ("",))

    found = failed("LOGIN", answer)
    assert found is not None
    assert found.text == "The server does not let this host in (LOGIN): 500 What is …?"


def test_other_words_stay() -> None:
    found = failed("PLAIN", refuse("5.7.8 AUTH PLAIN failed: wrong password"))
    assert found is not None
    assert found.text.endswith("(PLAIN): 535 5.7.8 AUTH PLAIN failed: wrong password")


def test_what_is_no_reply_is_not_repeated_either() -> None:
    def lose(line: bytes) -> ServerReply:
        raise WireLost(f"This is no SMTP reply: {line.decode().strip()}")

    with pytest.raises(WireLost) as lost:
        failed("PLAIN", lose)
    assert str(lost.value) == "This is no SMTP reply: AUTH PLAIN …"
