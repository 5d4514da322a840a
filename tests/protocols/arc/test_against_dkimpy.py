"""Chains in which dkimpy and we seal in turn; both think the same of them."""

import dkim
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.arc import ChainStatus, seal, verify
from tests.protocols.dkim.test_against_dkimpy import NOW, published
from tests.protocols.dkim.zone import MESSAGE, RSA, Zone, run
from tests.support.examples import examples

PEM = RSA.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
HOST = "mx.example.org"


def status(octets: bytes) -> ChainStatus:
    return run(verify(octets, txt=Zone(), now=NOW)).status


def status_by_dkimpy(octets: bytes) -> str:
    # None: the last seal says fail, so the chain is over
    return (dkim.arc_verify(octets, dnsfunc=published)[0] or b"fail").decode()


def sealed_by_us(octets: bytes) -> bytes:
    chain = run(verify(octets, txt=Zone(), now=NOW))
    fields = seal(
        octets, chain=chain, authentication_results=f"{HOST}; arc={chain.status}", domain="example.org",
        selector="rsa", key=RSA, now=NOW,
    )  # fmt: skip
    return fields + octets


def sealed_by_dkimpy(octets: bytes) -> bytes:
    found = f"Authentication-Results: {HOST}; arc={status_by_dkimpy(octets)}\r\n".encode()
    fields = dkim.arc_sign(found + octets, b"rsa", b"example.org", PEM, HOST.encode())
    return b"".join(fields) + octets


SEALERS = {"we": sealed_by_us, "dkimpy": sealed_by_dkimpy}


@pytest.mark.parametrize(
    "who", [["dkimpy"], ["we"], ["dkimpy", "we"], ["we", "dkimpy"], ["we", "dkimpy", "we", "dkimpy"]]
)
def test_chains_by_both(who: list[str]) -> None:
    octets = MESSAGE
    for each in who:
        octets = SEALERS[each](octets)
        assert status(octets) == status_by_dkimpy(octets) == "pass"
    for changed in (octets + b"more\r\n", octets.replace(b"i=1; mx.example.org", b"i=1; my.example.org")):
        assert status(changed) == status_by_dkimpy(changed) == "fail"


@examples(60)
@given(st.lists(st.sampled_from(["we", "dkimpy", "list", "thief"]), min_size=1, max_size=5))
def test_any_history_is_judged_alike(hops: list[str]) -> None:
    octets = MESSAGE
    for hop in hops:
        if hop == "list":
            octets = octets.replace(b"Subject: ", b"Subject: [l] ") + b"footer\r\n"
        elif hop == "thief":
            octets = octets.replace(b"spf=pass", b"spf=fail").replace(b"cv=none", b"cv=none ", 1)
        elif status(octets) != "fail":
            octets = SEALERS[hop](octets)
        assert status(octets) == status_by_dkimpy(octets)
