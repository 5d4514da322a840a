"""Messages that went over several hosts, each of which sealed."""

from collections.abc import Callable
from typing import Final

from mailhost.protocols.arc import ChainStatus, ChainVerification, seal, verify
from tests.protocols.dkim.zone import ED25519, MESSAGE, NOW, RECORDS, RSA, Records, Zone, published, run

HOP_NAMES: Final = [f"s{number}._domainkey.hop{number}.example" for number in range(1, 60)]
HOPS: Final[Records] = {**RECORDS, **{name: [published(ED25519)] for name in HOP_NAMES}}
NONE: Final = ChainVerification(ChainStatus.NONE, "The message has no ARC sets.")


def validated(octets: bytes, records: Records = HOPS) -> ChainVerification:
    return run(verify(octets, txt=Zone(records), now=NOW))


def sealed(octets: bytes, number: int, *, chain: ChainVerification | None = None, results: str = "") -> bytes:
    """The message as the host of that number passes it on; chain: what it found, if not what is so."""
    fields = seal(
        octets,
        chain=chain or validated(octets),
        authentication_results=results or f"hop{number}.example; spf=pass smtp.mailfrom=a@example.org",
        domain=f"hop{number}.example",
        selector=f"s{number}",
        key=ED25519,
        now=NOW,
    )
    return fields + octets


def passed_on(
    count: int, octets: bytes = MESSAGE, *, change: Callable[[bytes], bytes] | None = None
) -> bytes:
    """Over the hosts 1 to count; change: what each does to it before it seals."""
    for number in range(1, count + 1):
        chain = validated(octets)
        octets = sealed(change(octets) if change else octets, number, chain=chain)
    return octets


__all__ = ["HOPS", "HOP_NAMES", "MESSAGE", "NONE", "RSA", "passed_on", "sealed", "validated"]
