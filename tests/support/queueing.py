"""Queued messages for tests, and waiting for what becomes of them."""

import asyncio
from datetime import UTC, datetime

from delivery.acceptance import Acceptance, accept_now
from delivery.models import QueuedRecipient
from delivery.queue.claim import claim_destinations
from delivery.queue.contents import as_lines, read_octets
from delivery.queue.values import Claim
from delivery.worker import Worker
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.smtp.client import encode_data

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MESSAGE = (
    b"Return-Path: <x@y.test>\r\nFrom: Alice <alice@example.test>\r\nSubject: Hello\r\n\r\nHow are you?\r\n"
)


def queue(
    *forward_paths: str,
    reverse_path: str = "alice@elsewhere.test",
    now: datetime = NOON,
    octets: bytes = MESSAGE,
) -> int:
    """One message to these; its id."""
    relay = tuple(EmailAddress.parse(path) for path in forward_paths)
    accepted = accept_now(Acceptance(octets=octets, relay=relay, reverse_path=reverse_path), now=now)
    assert accepted.queued_message_id is not None
    return accepted.queued_message_id


def read_data(*, content_id: int, is_binary: bool = False) -> bytes | None:
    """What follows DATA's reply, unsigned; None where the content is gone."""
    octets = read_octets(content_ids=[content_id]).get(content_id)
    return None if octets is None else encode_data(as_lines(octets, is_binary=is_binary))


def claim_all(*, now: datetime = NOON, lease_seconds: float = 90) -> dict[str, Claim]:
    """Everything that is due, by name."""
    return {
        each.name: each
        for is_failing in (False, True)
        for each in claim_destinations(limit=100, lease_seconds=lease_seconds, now=now, is_failing=is_failing)
    }


def state(forward_path: str) -> str:
    """Where the recipient stands."""
    return QueuedRecipient.objects.get(forward_path=forward_path).state


async def until_idle(worker: Worker) -> None:
    """Until it sends nothing and looks for nothing more."""
    while pending := [*worker._looks, *worker._rounds]:
        await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
