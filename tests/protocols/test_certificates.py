"""Whether a certificate is for an address (RFC 5280 section 4.2.1.6)."""

from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from cryptography.x509.verification import Store
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.certificates import CertificateRefused, address_in, require_web_pki
from tests.support.authorities import Authority

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CA = Authority(NOON)
TRUST = Store([CA.certificate])


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("192.0.2.1", ["192.0.2.1"]),
        ("192.0.2.1", ["mx.far.test", "192.0.2.9", "192.0.2.1"]),
        ("[192.0.2.1]", ["192.0.2.1"]),
        ("2001:db8::1", ["2001:DB8:0::1"]),
        ("[IPv6:2001:DB8:0::1]", ["2001:db8::1"]),
    ],
)
def test_a_certificate_for_an_address(host: str, names: list[str]) -> None:
    require_web_pki(CA.issue(*names).chain_der, name=host, trust=TRUST, now=NOON)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["192.0.2.2"], "is for 192.0.2.2, and not for 192.0.2.1."),
        (["mx.far.test"], "is for no address, and not for 192.0.2.1."),
        (["::ffff:192.0.2.1"], "is for ::ffff:c000:201, and not for"),
        ([], "is for no address"),
    ],
)
def test_one_for_anything_else(names: list[str], words: str) -> None:
    issued = CA.issue(*names, common_name="192.0.2.1")
    with pytest.raises(CertificateRefused, match="certificate") as refused:
        require_web_pki(issued.chain_der, name="192.0.2.1", trust=TRUST, now=NOON)
    assert refused.value.result == "certificate-host-mismatch"
    assert words in str(refused.value)


def test_an_address_is_no_name() -> None:
    with pytest.raises(CertificateRefused, match="names no host"):
        require_web_pki(CA.issue("192.0.2.1").chain_der, name="mx.far.test", trust=TRUST, now=NOON)


def test_who_is_trusted_matters_for_an_address_as_well() -> None:
    stranger = Authority(NOON, name="Somebody else")
    with pytest.raises(CertificateRefused) as refused:
        require_web_pki(stranger.issue("192.0.2.1").chain_der, name="192.0.2.1", trust=TRUST, now=NOON)
    assert refused.value.result == "certificate-not-trusted"


@given(st.ip_addresses())
def test_addresses_are_read_as_they_are_and_as_literals(address: object) -> None:
    literal = f"[IPv6:{address}]" if ":" in str(address) else f"[{address}]"
    assert address_in(str(address)) == address_in(literal) == ip_address(str(address))


@pytest.mark.parametrize("host", ["mx.far.test", "", "[]", "1.2.3", "a:b", "[IPv6:]"])
def test_a_name_is_no_address(host: str) -> None:
    assert address_in(host) is None
