"""PLAIN and LOGIN (RFC 4616)."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.sasl import (
    Challenge,
    Credentials,
    LoginExchange,
    PlainExchange,
    SaslCancelled,
    SaslSyntaxError,
    decode_initial_response,
    decode_plain,
    decode_response,
)

WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=50)


@given(WORDS, WORDS, WORDS)
def test_plain_carries_any_text_without_nul(authzid: str, login: str, password: str) -> None:
    octets = "\0".join((authzid, login, password)).encode()
    assert decode_plain(octets) == (authzid, login, password)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"alice",
        b"\0alice",
        b"\0\0secret",
        b"\0alice\0",
        b"\0a\0b\0c",
        b"\0\xff\0secret",
        b"\0a\0" + b"b" * 1025,
    ],
)
def test_plain_that_cannot_be_meant_is_refused(octets: bytes) -> None:
    with pytest.raises(SaslSyntaxError):
        decode_plain(octets)


@given(st.binary(max_size=200))
def test_plain_takes_any_octets(octets: bytes) -> None:
    try:
        decode_plain(octets)
    except SaslSyntaxError:
        pass


def test_plain_without_an_initial_response_begins_with_an_empty_challenge() -> None:
    exchange = PlainExchange()
    assert exchange.answer(None) == Challenge(b"")
    assert exchange.answer(b"\0alice\0secret") == Credentials("", "alice", "secret")


def test_login_prompts_twice() -> None:
    exchange = LoginExchange()
    assert exchange.answer(None) == Challenge(b"Username:")
    assert exchange.answer(b"alice") == Challenge(b"Password:")
    assert exchange.answer(b"secret") == Credentials("", "alice", "secret")


def test_login_takes_the_login_as_initial_response() -> None:
    exchange = LoginExchange()
    assert exchange.answer(b"alice") == Challenge(b"Password:")


@given(st.binary(max_size=100))
def test_base64_comes_back(octets: bytes) -> None:
    assert decode_response(base64.b64encode(octets)) == octets


@given(st.binary(max_size=100))
def test_a_response_takes_any_octets(line: bytes) -> None:
    try:
        decode_response(line)
    except (SaslSyntaxError, SaslCancelled):
        pass


@pytest.mark.parametrize("line", [b"YQ", b"YQ==YQ==", b"Y Q==", b"\xff", b"YQ==\n"])
def test_what_is_not_base64_is_refused(line: bytes) -> None:
    with pytest.raises(SaslSyntaxError):
        decode_response(line)


def test_a_star_cancels_and_an_equals_sign_is_an_empty_initial_response() -> None:
    with pytest.raises(SaslCancelled):
        decode_response(b"*")
    assert decode_initial_response(b"=") == b""
