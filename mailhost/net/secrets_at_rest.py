"""What the database keeps encrypted: AES-256-GCM, with a key made by HKDF (RFC 5869) from MAILHOST_KEY_SECRET.

Whoever has a copy of the database alone can read nothing of it. The secret is changed by naming the one before in
MAILHOST_OLD_KEY_SECRETS until everything is encrypted anew. What is kept: a version, which secret it was (a hash),
a nonce, and the encrypted octets.
"""

import secrets
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_VERSION: Final = b"\x01"
_ID_OCTETS: Final = 8
_NONCE_OCTETS: Final = 12  # NIST SP 800-38D: random ones are good for 2^32 encryptions
_KEY_OCTETS: Final = 32
_INFO: Final = b"mailhost secrets at rest 1"


class CannotDecrypt(Exception):
    """Encrypted with a secret that is not configured, or not what it was; the text is a sentence for people."""


def encrypt(octets: bytes, *, purpose: str) -> bytes:
    """What may be kept. It can be read for this purpose alone, so rows cannot be put in one another's place."""
    identity, cipher = _cipher(settings.KEY_SECRET)
    nonce = secrets.token_bytes(_NONCE_OCTETS)
    return _VERSION + identity + nonce + cipher.encrypt(nonce, octets, purpose.encode())


def decrypt(kept: bytes, *, purpose: str) -> bytes:
    """What was encrypted for this purpose, with the secret of now or an old one. Raises CannotDecrypt."""
    start = len(_VERSION) + _ID_OCTETS
    identity, nonce, encrypted = (
        kept[len(_VERSION) : start],
        kept[start : start + _NONCE_OCTETS],
        kept[start:],
    )
    for secret in (settings.KEY_SECRET, *settings.OLD_KEY_SECRETS):
        known, cipher = _cipher(secret)
        if known != identity or not kept.startswith(_VERSION):
            continue
        try:
            return cipher.decrypt(nonce, encrypted[_NONCE_OCTETS:], purpose.encode())
        except (InvalidTag, ValueError):
            raise CannotDecrypt("What is kept was changed, or belongs somewhere else.") from None
    raise CannotDecrypt(
        "It was encrypted with another secret than MAILHOST_KEY_SECRET and MAILHOST_OLD_KEY_SECRETS name."
    )


def is_current(kept: bytes) -> bool:
    """Whether it is encrypted with the secret of now."""
    return kept.startswith(_VERSION + _cipher(settings.KEY_SECRET)[0])


def derived_secrets(purpose: str) -> list[bytes]:
    """32 octets for HMAC, and for nothing but this purpose: from the secret of now, then from old ones."""
    return [_derived(secret, purpose) for secret in (settings.KEY_SECRET, *settings.OLD_KEY_SECRETS)]


@lru_cache(maxsize=32)
def _derived(secret: str, purpose: str) -> bytes:
    info = f"mailhost {purpose}".encode()
    return HKDF(SHA256(), _KEY_OCTETS, salt=None, info=info).derive(secret.encode())


@lru_cache(maxsize=8)
def _cipher(secret: str) -> tuple[bytes, AESGCM]:
    """Which secret it is, without telling it, and what encrypts with it."""
    derived = HKDF(SHA256(), _ID_OCTETS + _KEY_OCTETS, salt=None, info=_INFO).derive(secret.encode())
    return derived[:_ID_OCTETS], AESGCM(derived[_ID_OCTETS:])
