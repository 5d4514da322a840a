"""Key records (RFC 6376 section 3.6.1): what is a key, and for what."""

import base64

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mailhost.protocols.dkim import PublicKey
from mailhost.protocols.dkim.keys import choose_key
from tests.protocols.dkim.zone import ED25519, RSA, published

SPKI = base64.b64encode(RSA.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
PKCS1 = base64.b64encode(RSA.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1))
P = b"p=" + SPKI


def complaint(*records: bytes) -> str:
    key = choose_key(list(records), name="s._domainkey.d")
    assert not isinstance(key, PublicKey)
    return key.reason.replace(" at s._domainkey.d", "")


@pytest.mark.parametrize(
    "record",
    [
        P,
        P + b";",
        P + b" ; ",
        b"v=DKIM1;" + P,
        b" v = DKIM1 ; k = rsa ; " + P,
        b"k=RSA;" + P,
        b"h=sha1:sha256;" + P,
        b"h = SHA256 ;" + P,
        b"s=email;" + P,
        b"s=tlsrpt : *;" + P,
        b"g=*; n=note=20; x=unknown; " + P,
        b"t=;" + P,
        b"p=" + PKCS1,
        b"v=DKIM1; p=" + SPKI[:70] + b"\r\n\t " + SPKI[70:],
    ],
)
def test_these_are_keys(record: bytes) -> None:
    key = choose_key([record], name="s._domainkey.d")
    assert isinstance(key, PublicKey)
    assert key.bits == 2048
    assert key.algorithm == "rsa-sha256"
    assert not key.is_testing
    assert not key.is_strict


def test_flags() -> None:
    key = choose_key([b"t=y:z: s;" + P], name="n")
    assert isinstance(key, PublicKey)
    assert key.is_testing
    assert key.is_strict


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"v=DKIM1; p=", "The key was revoked."),
        (b"p= ;", "The key was revoked."),
        (b"h=sha1;" + P, "The key is not for SHA-256."),
        (b"s=tlsrpt;" + P, "The key is not for mail."),
        (b"k=rsa; p=%%", "The key cannot be read: The tag p= is not base64."),
        (b"k=rsa; p=QUJD", "The key cannot be read: It holds no rsa key."),
        (b"k=ed25519; p=QUJD", "The key cannot be read: It holds no ed25519 key."),
        (b"k=ed25519;" + P, "The key cannot be read: It holds no ed25519 key."),
        (b"k=dsa;" + P, "The key cannot be read: Its type is neither rsa nor ed25519."),
        (b"k=\xff;" + P, "The key cannot be read: A tag is not in UTF-8."),
        (P + b"; v=DKIM1", "The record is no key: It does not begin with v=DKIM1."),
        (b"v=DKIM2;" + P, "The record is no key: It does not begin with v=DKIM1."),
        (b"v=dkim1;" + P, "The record is no key: It does not begin with v=DKIM1."),
        (P + b";" + P, "The record is no key: The tag p= stands in it twice."),
        (b"v=spf1 -all", "The record is no key: It does not begin with v=DKIM1."),
        (b"hello", "The record is no key: It is not a list of tags."),
        (b"", "The record is no key: The tag p= is missing."),
        (b"v=DKIM1", "The record is no key: The tag p= is missing."),
    ],
)
def test_these_are_none(record: bytes, reason: str) -> None:
    assert complaint(record) == reason


def test_an_rsa_key_named_otherwise_is_none() -> None:
    public = ED25519.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    record = b"k=rsa; p=" + base64.b64encode(public)
    assert complaint(record) == "The key cannot be read: It holds no rsa key."


def test_records_of_others_beside_the_key_do_no_harm() -> None:
    key = choose_key([b"v=spf1 -all", published(ED25519), b"\xff\0"], name="n")
    assert isinstance(key, PublicKey)
    assert (key.bits, key.algorithm) == (256, "ed25519-sha256")


def test_two_keys_are_none() -> None:
    assert complaint(published(ED25519), P) == "There are several keys."


def test_no_record_is_no_key() -> None:
    assert complaint() == "There is no key."
