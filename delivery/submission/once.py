"""Handing in once: a program that got no answer asks again with the same key, and gets the answer of the first time.

The key is taken in the transaction that takes the message: both are there, or neither. Whoever asks with it meanwhile
waits for that transaction.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from delivery.models import HandedInOnce
from mailhost.net.database import cursor

MAX_KEY: Final = 255  # characters

CLAIM: Final = b"""
INSERT INTO delivery_handedinonce (account_id, key, digest, told, at) VALUES (%s, %s, %s, '{}', %s)
    ON CONFLICT (account_id, key) DO NOTHING
"""


class IdempotencyKeyReused(Exception):
    """Another message was handed in with this key."""

    def __init__(self) -> None:
        super().__init__("Another request was made with this idempotency key.")


@dataclass(frozen=True, slots=True)
class Once:
    """A key of an account's own, and the SHA-256 of what was asked with it."""

    account_id: int
    key: str
    digest: bytes

    @classmethod
    def of(cls, *, account_id: int, key: str, asked: bytes) -> "Once":
        """From what was asked, as it came."""
        return cls(account_id, key, hashlib.sha256(asked).digest())


def find(once: Once) -> dict[str, object] | None:
    """What was told the first time; None: there was none. Raises IdempotencyKeyReused."""
    row = HandedInOnce.objects.filter(account_id=once.account_id, key=once.key).first()
    if row is None:
        return None
    if bytes(row.digest) != once.digest:
        raise IdempotencyKeyReused
    told: dict[str, object] = row.told
    return told


def claim(once: Once, *, now: datetime) -> dict[str, object] | None:
    """Takes the key in the caller's transaction; what was told with it where somebody was faster. Raises
    IdempotencyKeyReused."""
    with cursor() as sql:
        if sql.execute(CLAIM, (once.account_id, once.key, once.digest, now)).rowcount:
            return None
    return find(once)


def keep(once: Once, told: dict[str, object]) -> None:
    """Notes what is told, in the transaction that has claimed the key."""
    HandedInOnce.objects.filter(account_id=once.account_id, key=once.key).update(told=told)


def forget_keys(*, now: datetime) -> None:
    """Removes keys that are known no longer."""
    HandedInOnce.objects.filter(at__lt=now - timedelta(seconds=settings.IDEMPOTENCY_KEY_SECONDS)).delete()
