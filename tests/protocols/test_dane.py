"""TLSA records against certificates (RFC 6698, RFC 7671, RFC 7672)."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import assume, given
from hypothesis import strategies as st

from mailhost.protocols.certificates import CertificateRefused, public_key_info
from mailhost.protocols.dane import TlsaRecord, Usage, usable, verify
from tests.support.authorities import Authority, Issued, self_signed

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CA = Authority(NOON)
BELOW = Authority(NOON, name="Issuing CA", above=CA)
SERVER = BELOW.issue("mx.far.test")
NAMES = ["mx.far.test", "far.test"]


def selected(certificate: x509.Certificate, selector: int) -> bytes:
    if selector == 0:
        return certificate.public_bytes(Encoding.DER)
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def record(certificate: x509.Certificate, usage: int, selector: int = 1, matching: int = 1) -> TlsaRecord:
    octets = selected(certificate, selector)
    digest = [octets, hashlib.sha256(octets).digest(), hashlib.sha512(octets).digest()][matching]
    return TlsaRecord(usage, selector, matching, digest)


def refusal(issued: Issued, *records: TlsaRecord, names: list[str] = NAMES, now: datetime = NOON) -> str:
    with pytest.raises(CertificateRefused) as refused:
        verify(issued.chain_der, records, names=names, now=now)
    assert str(refused.value)[-1] == "."
    return refused.value.result


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
def test_each_selector_and_each_matching_type(selector: int, matching: int) -> None:
    ee = record(SERVER.certificate, 3, selector, matching)
    assert verify(SERVER.chain_der, [ee], names=NAMES, now=NOON) is Usage.DANE_EE
    for authority in (CA, BELOW):
        ta = record(authority.certificate, 2, selector, matching)
        assert verify(SERVER.chain_der, [ta], names=NAMES, now=NOON) is Usage.DANE_TA
    other = self_signed("mx.far.test", now=NOON)
    assert refusal(other, ee) == "certificate-not-trusted"


def test_neither_names_nor_dates_matter_for_dane_ee() -> None:
    expired = CA.issue("elsewhere.test", ends=NOON - timedelta(hours=1))
    ee = record(expired.certificate, 3)
    assert verify(expired.chain_der, [ee], names=NAMES, now=NOON) is Usage.DANE_EE


def test_names_matter_for_dane_ta() -> None:
    ta = record(CA.certificate, 2)
    assert refusal(CA.issue("mx.elsewhere.test"), ta) == "certificate-host-mismatch"
    assert refusal(CA.issue("*.test"), ta, names=["mx.far.test"]) == "certificate-host-mismatch"
    for names in (["far.test"], ["*.far.test"], ["MX.far.test"]):
        assert verify(CA.issue(*names).chain_der, [ta], names=NAMES, now=NOON) is Usage.DANE_TA
    by_common_name = CA.issue(common_name="mx.far.test")
    assert verify(by_common_name.chain_der, [ta], names=NAMES, now=NOON) is Usage.DANE_TA
    assert refusal(CA.issue("x.test", common_name="mx.far.test"), ta) == "certificate-host-mismatch"


def test_dates_matter_for_dane_ta() -> None:
    ta = record(CA.certificate, 2)
    expired = CA.issue("mx.far.test", ends=NOON - timedelta(hours=1))
    early = CA.issue("mx.far.test", begins=NOON + timedelta(hours=1))
    assert refusal(expired, ta) == "certificate-expired"
    assert refusal(early, ta) == "certificate-expired"
    assert refusal(SERVER, ta, now=NOON + timedelta(days=400)) == "certificate-expired"


def test_an_authority_beside_the_certificate_that_did_not_issue_it_is_none() -> None:
    stranger = self_signed("mx.far.test", now=NOON)
    beside = Issued(stranger.certificate, stranger.key, (stranger.certificate, CA.certificate))
    assert refusal(beside, record(CA.certificate, 2)) == "certificate-not-trusted"
    same_name = Authority(NOON).issue("mx.far.test")  # of another key
    beside = Issued(same_name.certificate, same_name.key, (same_name.certificate, CA.certificate))
    assert refusal(beside, record(CA.certificate, 2)) == "certificate-not-trusted"


def test_an_authority_that_does_not_show_itself_is_none() -> None:
    alone = Issued(SERVER.certificate, SERVER.key, (SERVER.certificate, BELOW.certificate))
    assert refusal(alone, record(CA.certificate, 2)) == "certificate-not-trusted"
    assert verify(alone.chain_der, [record(BELOW.certificate, 2)], names=NAMES, now=NOON) is Usage.DANE_TA


def test_a_certificate_that_may_not_sign_others_has_not() -> None:
    ta = record(CA.certificate, 2)
    no_ca = Authority(NOON, name="Not one", above=CA, is_ca=False)
    assert refusal(no_ca.issue("mx.far.test"), ta) == "certificate-not-trusted"
    not_signing = Authority(NOON, name="Not one", above=CA, signs=False)
    assert refusal(not_signing.issue("mx.far.test"), ta) == "certificate-not-trusted"
    short = Authority(NOON, path_length=0)
    too_long = Authority(NOON, name="Below", above=short).issue("mx.far.test")
    assert refusal(too_long, record(short.certificate, 2)) == "certificate-not-trusted"


def test_what_is_not_understood_refuses() -> None:
    ta = record(CA.certificate, 2)
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
    assert refusal(CA.issue("mx.far.test", critical=unknown), ta) == "certificate-not-trusted"
    for_clients = CA.issue("mx.far.test", usages=[ExtendedKeyUsageOID.CLIENT_AUTH])
    assert refusal(for_clients, ta) == "certificate-not-trusted"
    assert verify(CA.issue("mx.far.test", usages=[]).chain_der, [ta], names=NAMES, now=NOON) == 2


def test_usages_for_the_web_are_unusable() -> None:
    records = [record(SERVER.certificate, 0), record(SERVER.certificate, 1)]
    assert usable(records) == ()
    assert usable([*records, record(SERVER.certificate, 3)]) == (record(SERVER.certificate, 3),)


@pytest.mark.parametrize(
    "fields",
    [
        (4, 1, 1, b"x" * 32),
        (3, 2, 1, b"x" * 32),
        (3, 1, 3, b"x" * 32),
        (3, 1, 1, b"x" * 31),
        (3, 1, 2, b"x" * 32),
        (3, 1, 0, b""),
        (3, 0, 0, b"not DER"),
    ],
)
def test_records_that_can_match_nothing_are_unusable(fields: tuple[int, int, int, bytes]) -> None:
    assert not TlsaRecord(*fields).is_usable


def test_of_digests_the_strongest_counts() -> None:
    """RFC 7671 section 9: a weaker one that matches does not help."""
    weak = record(SERVER.certificate, 3, matching=1)
    strong = record(CA.certificate, 3, matching=2)
    full = record(BELOW.certificate, 3, matching=0)
    other_selector = record(SERVER.certificate, 3, selector=0, matching=1)
    assert set(usable([weak, strong, full, other_selector])) == {strong, full, other_selector}
    assert refusal(SERVER, *usable([weak, strong])) == "certificate-not-trusted"


def test_no_certificate_and_nonsense_are_refused() -> None:
    for chain in ([], [b""], [b"\x30\x00"], [b"\x30\x82\xff\xff"]):
        with pytest.raises(CertificateRefused) as refused:
            verify(chain, [record(SERVER.certificate, 3)], names=NAMES, now=NOON)
        assert refused.value.result == "validation-failure"


def test_the_key_of_a_certificate_is_what_stands_in_it() -> None:
    for each in (SERVER.certificate, CA.certificate):
        assert public_key_info(each) == selected(each, 1)


def test_a_record_reads_as_in_a_zone() -> None:
    assert str(TlsaRecord(3, 1, 1, b"\x01\xab")) == "3 1 1 01ab"


RECORDS = st.builds(
    TlsaRecord,
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=80),
)


@given(records=st.lists(RECORDS, max_size=8), chain=st.lists(st.binary(max_size=60), max_size=3))
def test_nothing_strange_verifies_anything(records: list[TlsaRecord], chain: list[bytes]) -> None:
    with pytest.raises(CertificateRefused):
        verify(chain, usable(records), names=NAMES, now=NOON)
    with pytest.raises(CertificateRefused):
        verify(SERVER.chain_der, usable(records), names=NAMES, now=NOON)


@given(
    usage=st.sampled_from([2, 3]),
    selector=st.sampled_from([0, 1]),
    matching=st.sampled_from([0, 1, 2]),
    others=st.lists(RECORDS.filter(lambda each: each.matching < 2), max_size=5),
    flipped=st.integers(0, 10_000),
)
def test_one_octet_that_differs_is_another_record(
    usage: int, selector: int, matching: int, others: list[TlsaRecord], flipped: int
) -> None:
    right = record((SERVER if usage == 3 else CA).certificate, usage, selector, matching)
    if matching > 0:
        others = [each for each in others if each.matching < matching or each.usage != usage]
    assert verify(SERVER.chain_der, usable([*others, right]), names=NAMES, now=NOON) == usage
    octets = bytearray(right.association)
    octets[flipped % len(octets)] ^= 1
    wrong = TlsaRecord(usage, selector, matching, bytes(octets))
    with pytest.raises(CertificateRefused):
        verify(SERVER.chain_der, usable([wrong]), names=NAMES, now=NOON)


@given(cut=st.integers(0, 2_000), flipped=st.integers(0, 2_000), bit=st.integers(0, 7))
def test_a_damaged_certificate_is_refused_in_words(cut: int, flipped: int, bit: int) -> None:
    octets = bytearray(SERVER.der)
    place = flipped % len(octets)
    # How many bits of the signature's last octet are unused: where they are zero, nothing is damaged.
    assume(place != len(octets) - len(SERVER.certificate.signature) - 1)
    octets[place] ^= 1 << bit
    damaged = [bytes(octets[: max(1, len(octets) - cut % 3)]), *SERVER.chain_der[1:]]
    with pytest.raises(CertificateRefused):
        verify(damaged, [record(CA.certificate, 2)], names=NAMES, now=NOON)


def test_what_a_certificate_calls_itself_is_shown_in_one_short_line() -> None:
    shown = CA.issue("a\r\nX-Injected: yes\0", "b" * 5_000)
    with pytest.raises(CertificateRefused, match=r"is for a\?\?x-injected: yes\?, bbb") as refused:
        verify(shown.chain_der, [record(CA.certificate, 2)], names=NAMES, now=NOON)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 500


def test_a_certificate_of_a_version_that_there_is_not_is_refused_in_words() -> None:
    version = b"\xa0\x03\x02\x01"
    octets = SERVER.der.replace(version + b"\x02", version + b"\x04", 1)
    assert octets != SERVER.der
    with pytest.raises(CertificateRefused, match="cannot be read"):
        verify([octets], [record(CA.certificate, 2)], names=NAMES, now=NOON)
