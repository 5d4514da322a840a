"""OAUTHBEARER (RFC 7628) and XOAUTH2: what clients send."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.bearer import PARSERS, REFUSALS, BearerToken, parse_oauthbearer, parse_xoauth2
from mailhost.protocols.sasl import SaslSyntaxError


def test_the_example_of_rfc_7628_section_4_1() -> None:
    octets = (
        b"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01"
        b"auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01"
    )
    assert parse_oauthbearer(octets) == ("user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==")


@pytest.mark.parametrize(
    ("octets", "read"),
    [
        (b"n,,\x01auth=Bearer abc\x01\x01", ("", "abc")),
        (b"y,a=a=2Cb=3Dc,\x01auth=bearer  abc\x01\x01", ("a,b=c", "abc")),
        (b"n,,\x01\x01", ("", "")),
        (b"n,,\x01auth=Basic abc\x01\x01", ("", "")),
        (b"n,,\x01auth=Bearer a b\x01\x01", ("", "")),
    ],
)
def test_oauthbearer_is_read(octets: bytes, read: tuple[str, str]) -> None:
    assert parse_oauthbearer(octets) == read


def test_xoauth2_is_read() -> None:
    assert parse_xoauth2(b"user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qmTc\x01\x01") == BearerToken(
        "someuser@example.com", "ya29.vF9dft4qmTc"
    )


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"n,,",
        b"n,,\x01",
        b"p=tls-server-end-point,,\x01auth=Bearer abc\x01\x01",
        b"n,,\x01auth=Bearer abc\x01",
        b"n,,\x01auth=Bearer \xff\x01\x01",
        b"n,,\x01=x\x01\x01",
        b"n,a=\xff,\x01\x01",
        b"n,a=" + b"x" * 1025 + b",\x01\x01",
        b"n,,\x01auth=Bearer " + b"x" * 8192 + b"\x01\x01",
    ],
)
def test_oauthbearer_that_cannot_be_read_is_refused(octets: bytes) -> None:
    with pytest.raises(SaslSyntaxError):
        parse_oauthbearer(octets)


@pytest.mark.parametrize(
    "octets", [b"", b"user=\x01auth=Bearer a\x01\x01", b"user=a\x01\x01", b"user=\xff\x01auth=\x01\x01"]
)
def test_xoauth2_that_cannot_be_read_is_refused(octets: bytes) -> None:
    with pytest.raises(SaslSyntaxError):
        parse_xoauth2(octets)


PIECES = st.lists(
    st.sampled_from([b"n,,", b"n,a=", b",", b"\x01", b"auth=", b"Bearer ", b"user=", b"abc", b"="])
    | st.binary(max_size=3),
    max_size=12,
).map(b"".join)


@given(st.sampled_from(sorted(PARSERS)), PIECES)
def test_any_octets_are_read_or_refused(mechanism: str, octets: bytes) -> None:
    try:
        read = PARSERS[mechanism](octets)
    except SaslSyntaxError:
        return
    assert read.token.isascii()
    assert " " not in read.token


def test_refusals_are_json_with_a_status() -> None:
    assert {name: json.loads(text)["status"] for name, text in REFUSALS.items()} == {
        "OAUTHBEARER": "invalid_token",
        "XOAUTH2": "401",
    }
