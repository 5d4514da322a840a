"""Signatures with any tags, right or wrong, made by hand: sign() makes none of the odd ones."""

import base64
import hashlib
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

from mailhost.protocols.dkim.canonicalization import Canonicalization, body_in_form, field_in_form
from mailhost.protocols.dkim.message import read_signed_message
from tests.protocols.dkim.zone import RSA


def signed(
    octets: bytes,
    tags: Mapping[str, str | None] | None = None,
    *,
    key: RSAPrivateKey | Ed25519PrivateKey = RSA,
    hashing: HashAlgorithm | None = None,
    name: str = "DKIM-Signature",
    tail: str = "",
) -> bytes:
    """The message with a signature above it. tags replace the usual ones; None leaves one out. tail: behind b=."""
    all_tags: dict[str, str | None] = {
        "v": "1",
        "a": "rsa-sha256" if isinstance(key, RSAPrivateKey) else "ed25519-sha256",
        "c": "relaxed/relaxed",
        "d": "example.org",
        "s": "rsa" if isinstance(key, RSAPrivateKey) else "ed",
        "h": "From:To:Subject",
    }
    all_tags.update(tags or {})
    header_form, _, body_form = (all_tags["c"] or "simple/simple").partition("/")
    message = read_signed_message(octets)
    body = b"".join(body_in_form(Canonicalization(body_form or "simple"), octets, message.body_start))
    length = all_tags.get("l")
    digest = hashlib.sha256(body[: int(length)] if length else body).digest()
    all_tags.setdefault("bh", base64.b64encode(digest).decode())
    value = " " + "; ".join(f"{tag}={text}" for tag, text in all_tags.items() if text is not None) + "; b="
    names = [each.strip().lower().encode() for each in (all_tags["h"] or "").split(":")]
    form = Canonicalization(header_form)
    header = b"".join(field_in_form(form, *field) for field in message.picked(names))
    own = f"{name}:{value}{tail}".encode()
    header += field_in_form(form, name.lower().encode(), own, f"{value}{tail}".encode()).removesuffix(b"\r\n")
    signature = base64.b64encode(_sign(key, header, hashing or SHA256())).decode()
    return f"{name}:{value}{signature}{tail}\r\n".encode() + octets


def _sign(key: RSAPrivateKey | Ed25519PrivateKey, octets: bytes, hashing: HashAlgorithm) -> bytes:
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(hashlib.sha256(octets).digest())
    return key.sign(octets, PKCS1v15(), hashing)


__all__ = ["SHA1", "signed"]
