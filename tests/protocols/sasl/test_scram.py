"""SCRAM keys against the example of RFC 7677 section 3, SASLprep against RFC 4013 section 3."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.scram import CannotPrepare, derive, password_octets, saslprep


def test_the_keys_prove_the_example_of_rfc_7677() -> None:
    stored_key, server_key = derive("pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096)
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    message = (
        f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}".encode()
    )
    signature = hmac.digest(stored_key, message, "sha256")
    proof = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    client_key = bytes(left ^ right for left, right in zip(proof, signature, strict=True))
    assert hashlib.sha256(client_key).digest() == stored_key
    expected = base64.b64decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    assert hmac.digest(server_key, message, "sha256") == expected


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
    ],
)
def test_saslprep_as_in_rfc_4013(text: str, prepared: str) -> None:
    assert saslprep(text) == prepared


@pytest.mark.parametrize("text", ["\u0007", "\u0627\u0031", "\u0627a\u0627", "\U0001f511"])
def test_what_has_no_saslprep_is_used_as_it_is(text: str) -> None:
    with pytest.raises(CannotPrepare):
        saslprep(text)
    assert password_octets(text) == text.encode()


# Any text, and text of what SASLprep does something about.
TEXTS = st.one_of(
    st.text(st.characters()),
    st.text(
        st.sampled_from(
            "aA1 \u00a0\u00ad\u00aa\u2168\u0627\u05d0\u0300\u1e9b\u0323\u3000\ufb01\u200d\ud800\u0007\u2f868"
        )
    ),
)


@given(TEXTS)
def test_saslprep_takes_any_text_and_does_nothing_more_to_its_own_output(text: str) -> None:
    try:
        prepared = saslprep(text)
    except CannotPrepare:
        return
    assert saslprep(prepared) == prepared


@given(TEXTS)
def test_keys_can_be_made_of_any_password(text: str) -> None:
    stored_key, server_key = derive(text, b"salt", iterations=1)
    assert len(stored_key) == len(server_key) == 32
