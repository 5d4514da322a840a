"""Whatever octets come, a chain is nothing, or has failed, and the next seal is grammatical."""

from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.arc import ChainStatus
from mailhost.protocols.dkim import CannotBeSigned
from mailhost.protocols.lines import to_crlf
from tests.protocols.arc.chains import passed_on, sealed, validated
from tests.support.examples import examples

PIECES = st.sampled_from(
    [
        b"ARC-Seal: ", b"ARC-Message-Signature: ", b"ARC-Authentication-Results: ", b"arc-seal:", b"From: a@b\r\n",
        b"i=1;", b"i=2;", b"i = 1 ;", b"i=0;", b"i=999;", b"i=51;", b"cv=none;", b"cv=pass;", b"cv=fail;", b"cv=;",
        b"a=ed25519-sha256;", b"a=rsa-sha1;", b"d=hop1.example;", b"s=s1;", b"h=From;", b"bh=QUJD;", b"b=QUJD", b"t=1;",
        b"mx.example; none", b"\r\n", b"\n", b"\r", b"\r\n ", b"\r\n\r\n", b";", b"=", b"\0", b"\xff",
    ]
)  # fmt: skip
OCTETS = st.lists(st.one_of(PIECES, st.binary(max_size=3)), max_size=40).map(b"".join)
CHAIN = passed_on(3)
KEY = "a=ed25519-sha256; d=hop1.example; s=s1"


@examples(200)
@given(OCTETS)
def test_hostile_headers(octets: bytes) -> None:
    chain = validated(octets)
    assert chain.status is not ChainStatus.PASS
    assert chain.reason.endswith(".")
    try:
        again = sealed(octets, 9, chain=chain)
    except CannotBeSigned:
        return
    if again != octets:
        assert validated(to_crlf(again)).status is (
            ChainStatus.PASS if chain.status is ChainStatus.NONE else ChainStatus.FAIL
        )


@examples(200)
@given(OCTETS, st.integers(0, len(CHAIN) - 1), st.integers(0, 30))
def test_hostile_octets_in_a_chain(octets: bytes, at: int, cut: int) -> None:
    assert validated(CHAIN[:at] + octets + CHAIN[at + cut :]).reason


def test_long_fields_in_many_sets_come_to_an_end() -> None:
    octets = "".join(
        f"ARC-Seal: i={number}; cv={'none' if number == 1 else 'pass'}; {KEY}; b=QUJD\r\n"
        f"ARC-Message-Signature: i={number}; {KEY}; h=From{':x' * 900}; z={'x' * 5_000}; bh=QUJD; b=QUJD\r\n"
        f"ARC-Authentication-Results: i={number}; {'x' * 10_000}\r\n"
        for number in range(50, 0, -1)
    ).encode()
    chain = validated(octets + b"From: a@b\r\n\r\n")
    assert chain.reason == "ARC-Message-Signature with i=50: The header fields are not what was signed."
    assert len(chain.sealers) == 50
