"""The client's side of SCRAM-SHA-256 against the example of RFC 7677 section 3, our server's side, and bad servers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.scram import ScramKeys, derive
from mailhost.protocols.scram_client import ScramClient, ScramFailed
from mailhost.protocols.scram_server import ScramExchange, ScramRefused

NONCE = "rOprNGfwEbeRWgbNEkqO"
BOTH = f"{NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
SERVER_FIRST = f"r={BOTH},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096".encode()


def test_the_example_of_rfc_7677() -> None:
    client = ScramClient("user", "pencil", NONCE)
    assert client.first() == f"n,,n=user,r={NONCE}".encode()
    proof = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    assert client.final(SERVER_FIRST) == f"c=biws,r={BOTH},p={proof}".encode()
    client.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


@given(
    st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=40),
    st.text(max_size=20),
)
def test_any_login_and_password_are_proven_to_our_server(login: str, password: str) -> None:
    client = ScramClient(login, password, "c" * 20)
    server = ScramExchange(is_plus=False, bindings=(), is_plus_offered=False, nonce="s" * 20)
    assert server.first(client.first()).login == login
    first = server.challenge(ScramKeys(b"salt", 4096, *derive(password, b"salt")))
    client.verify(server.final(client.final(first)))


def test_another_password_proves_nothing() -> None:
    server = ScramExchange(is_plus=False, bindings=(), is_plus_offered=False, nonce="s" * 20)
    client = ScramClient("user", "pencil", "c" * 20)
    server.first(client.first())
    first = server.challenge(ScramKeys(b"salt", 4096, *derive("pen", b"salt")))
    with pytest.raises(ScramRefused):
        server.final(client.final(first))


@pytest.mark.parametrize(
    "server_first",
    [
        b"",
        b"\xff" * 100,
        SERVER_FIRST.replace(BOTH.encode(), NONCE.encode()),  # nothing of the server's own
        SERVER_FIRST.replace(BOTH.encode(), b"another"),
        SERVER_FIRST.replace(b"i=4096", b"i=1"),
        SERVER_FIRST.replace(b"i=4096", b"i=999999999"),
        SERVER_FIRST.replace(b"i=4096", b"i=-4096"),
        SERVER_FIRST.replace(b"s=W22ZaJ0SNY7soEsUEjb6gQ==", b"s=W"),
        b"m=x," + SERVER_FIRST,
        SERVER_FIRST + b"," + b"x=" + b"y" * 5_000,
    ],
)
def test_a_server_that_does_not_do_its_part_gets_no_proof(server_first: bytes) -> None:
    with pytest.raises(ScramFailed):
        ScramClient("user", "pencil", NONCE).final(server_first)


@pytest.mark.parametrize("server_final", [b"", b"v=", b"v=AAAA", b"e=other-error"])
def test_a_server_that_does_not_know_the_password_is_found_out(server_final: bytes) -> None:
    client = ScramClient("user", "pencil", NONCE)
    client.final(SERVER_FIRST)
    with pytest.raises(ScramFailed):
        client.verify(server_final)


def test_nothing_is_proven_before_it_was_asked_for() -> None:
    with pytest.raises(ScramFailed):
        ScramClient("user", "pencil", NONCE).verify(b"v=")
