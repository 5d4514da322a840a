"""Keys, where they are published, and a message to sign."""

import asyncio
import base64
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from typing import Final, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mailhost.protocols.dkim import Result, Verification, verify
from mailhost.protocols.dns_facts import NotFound, TemporarilyUnavailable

T = TypeVar("T")

NOW: Final = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
RSA: Final = generate_private_key(65537, 2048)
ED25519: Final = Ed25519PrivateKey.generate()
RSA_NAME: Final = "rsa._domainkey.example.org"
ED25519_NAME: Final = "ed._domainkey.example.org"


def published(key: RSAPrivateKey | Ed25519PrivateKey, tags: str = "v=DKIM1; ") -> bytes:
    """The record of a key, behind other tags."""
    public = key.public_key()
    if isinstance(key, RSAPrivateKey):
        kind, octets = "rsa", public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        kind, octets = "ed25519", public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"{tags}k={kind}; p={base64.b64encode(octets).decode()}".encode()


Records = Mapping[str, list[bytes] | None]
"""What DNS says by name; None: it has no answer now."""

RECORDS: Final[Records] = {RSA_NAME: [published(RSA)], ED25519_NAME: [published(ED25519)]}


class Zone:
    """A look-up over records, which keeps what was asked."""

    def __init__(self, records: Records = RECORDS) -> None:
        self.records = records
        self.asked: list[str] = []

    async def __call__(self, name: str) -> list[bytes]:
        self.asked.append(name)
        if name not in self.records:
            raise NotFound(name)
        records = self.records[name]
        if records is None:
            raise TemporarilyUnavailable(name)
        return records


def run(work: Awaitable[T]) -> T:
    """Nothing in it waits for anything."""

    async def main() -> T:
        return await work

    return asyncio.run(main())


def verified(octets: bytes, records: Records = RECORDS, *, now: datetime = NOW) -> list[Verification]:
    """All outcomes."""
    return run(verify(octets, txt=Zone(records), now=now))


def outcome(octets: bytes, records: Records = RECORDS, *, now: datetime = NOW) -> tuple[Result, str]:
    """Result and reason of the one signature."""
    (verification,) = verified(octets, records, now=now)
    return verification.result, verification.reason


def crlf(text: str) -> bytes:
    """A text of the tests as it goes over the wire."""
    return text.replace("\n", "\r\n").encode()


MESSAGE: Final = crlf(
    """\
From: Alice <alice@example.org>
To: bob@example.net
Subject: Dinner
Date: Sat, 14 Mar 2026 15:09:26 +0000
Message-ID: <1@example.org>

Hello Bob,

shall we?
"""
)
