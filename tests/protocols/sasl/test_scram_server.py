"""SCRAM-SHA-256 as the server speaks it: the example of RFC 7677 section 3, and whatever else clients may say."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.sasl import SaslSyntaxError
from mailhost.protocols.scram import ScramKeys, derive
from mailhost.protocols.scram_server import ScramExchange, ScramRefused, parse_client_first
from tests.support.scram_client import ScramClient

SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
KEYS = ScramKeys(SALT, 4096, *derive("pencil", SALT, 4096))
SERVER_NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
FIRST = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
SERVER_FIRST = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
FINAL = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
SERVER_FINAL = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
SHOWN = hashlib.sha256(b"our certificate").digest()


def begun(
    first: bytes = FIRST, *, is_plus: bool = False, bindings: tuple[bytes, ...] = ()
) -> tuple[ScramExchange, bytes]:
    exchange = ScramExchange(
        is_plus=is_plus, bindings=bindings, is_plus_offered=bool(bindings), nonce=SERVER_NONCE
    )
    exchange.first(first)
    return exchange, exchange.challenge(KEYS)


def test_the_example_of_rfc_7677() -> None:
    exchange = ScramExchange(is_plus=False, bindings=(), is_plus_offered=False, nonce=SERVER_NONCE)
    first = exchange.first(FIRST)
    assert (first.authzid, first.login) == ("", "user")
    assert exchange.challenge(KEYS) == SERVER_FIRST
    assert exchange.final(FINAL) == SERVER_FINAL


def test_names_may_hold_what_the_grammar_needs_itself() -> None:
    first = parse_client_first(b"y,a==3Dx=2C,n=b=3D=2Cc\xc3\xa9,r=abc,x=later")
    assert (first.authzid, first.login, first.nonce) == ("=x,", "b=,cé", b"abc")
    assert first.bare == b"n=b=3D=2Cc\xc3\xa9,r=abc,x=later"
    assert first.client_would_bind


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"n=user,r=abc",
        b"n,n=user,r=abc",
        b"x,,n=user,r=abc",
        b"n,,n=,r=abc",
        b"n,,n=us=er,r=abc",
        b"n,,n=us=2cer,r=abc",
        b"n,,n=us\0er,r=abc",
        b"n,,n=\xff,r=abc",
        b"n,,n=user,r=",
        b"n,,n=user,r=a b",
        b"n,,r=abc,n=user",
        b"n,,m=must,n=user,r=abc",
        b"n,,n=user,r=abc,",
        b"p=,,n=user,r=abc",
        b"n,,n=" + b"x" * 1025 + b",r=abc",
        b"n,,n=user,r=" + b"x" * 513,
    ],
)
def test_what_is_no_first_message_is_refused(octets: bytes) -> None:
    with pytest.raises(SaslSyntaxError):
        parse_client_first(octets)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"c=biws",
        FINAL.replace(b",p=", b",q="),
        FINAL.replace(b"c=biws", b"c=bi ws"),
        FINAL.replace(b"c=biws", b"c=biw"),
        FINAL + b",x=y",
        FINAL.replace(b"p=d", b"p=\xff"),
    ],
)
def test_what_is_no_final_message_is_refused(octets: bytes) -> None:
    with pytest.raises(SaslSyntaxError):
        begun()[0].final(octets)


@pytest.mark.parametrize(
    "octets",
    [
        FINAL.replace(b"p=d", b"p=e"),
        FINAL.replace(b"p=dHzb", b"p="),
        FINAL.replace(b"r=rOpr", b"r=sOpr"),
        FINAL.replace(b"k0,", b"k1,"),
        FINAL.replace(b"c=biws", b"c=eSws"),
        FINAL.replace(b",p=", b",x=y,p="),
    ],
)
def test_a_proof_of_anything_else_is_refused(octets: bytes) -> None:
    with pytest.raises(ScramRefused):
        begun()[0].final(octets)


def test_an_extension_in_the_final_message_is_proven_too() -> None:
    client = ScramClient("user", "pencil")
    exchange, said = begun(client.first())
    final = client.final(said, extension=b",x=y")
    assert client.is_proven_by(exchange.final(final))


def test_plus_binds_the_end_point_that_was_shown() -> None:
    for bindings in ((SHOWN,), (b"\0" * 32, SHOWN)):  # the second where a session is resumed
        client = ScramClient("user", "pencil", binding=SHOWN)
        exchange, said = begun(client.first(), is_plus=True, bindings=bindings)
        assert client.is_proven_by(exchange.final(client.final(said)))
    client = ScramClient(
        "user", "pencil", binding=b"\1" * 32
    )  # somebody between, with a certificate of his own
    exchange, said = begun(client.first(), is_plus=True, bindings=(SHOWN,))
    with pytest.raises(ScramRefused):
        exchange.final(client.final(said))


def test_a_client_that_was_kept_from_plus_is_refused() -> None:
    with pytest.raises(ScramRefused):
        begun(b"y,,n=user,r=abc", bindings=(SHOWN,))
    begun(b"y,,n=user,r=abc")  # where it is not offered, y is the truth
    begun(b"n,,n=user,r=abc", bindings=(SHOWN,))


def test_each_mechanism_has_its_own_flag() -> None:
    for first, is_plus in (
        (b"n,,n=user,r=abc", True),
        (b"y,,n=user,r=abc", True),
        (b"p=tls-server-end-point,,n=user,r=abc", False),
        (b"p=tls-unique,,n=user,r=abc", True),
    ):
        with pytest.raises(SaslSyntaxError):
            begun(first, is_plus=is_plus, bindings=(SHOWN,))


PIECES = st.lists(
    st.sampled_from(
        [b"n", b"y", b"p=", b",", b",,", b"n=", b"r=", b"c=", b"p=", b"a=", b"=2C", b"user", b"biws"]
    )
    | st.binary(max_size=4),
    max_size=12,
).map(b"".join)


@given(PIECES)
def test_any_first_message_is_read_or_refused(octets: bytes) -> None:
    try:
        first = parse_client_first(octets)
    except SaslSyntaxError:
        return
    assert octets == first.gs2_header + first.bare
    assert first.login
    assert b"," not in first.nonce


@given(PIECES | st.binary(max_size=80))
def test_no_final_message_but_the_right_one_is_let_through(octets: bytes) -> None:
    with pytest.raises((SaslSyntaxError, ScramRefused)):
        begun()[0].final(octets)


@given(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20),
)
def test_every_login_and_password_gets_through(login: str, password: str) -> None:
    keys = ScramKeys(b"salt", 1, *derive(password, b"salt", 1))
    client = ScramClient(login, password)
    exchange = ScramExchange(is_plus=False, bindings=(), is_plus_offered=False, nonce="abc")
    assert exchange.first(client.first()).login == login
    assert client.is_proven_by(exchange.final(client.final(exchange.challenge(keys))))


def test_the_server_proves_itself_with_its_own_key() -> None:
    message = b",".join((FIRST[3:], SERVER_FIRST, FINAL.rpartition(b",p=")[0]))
    assert b"v=" + base64.b64encode(hmac.digest(KEYS.server_key, message, "sha256")) == SERVER_FINAL
