"""ARC: what hosts on the way say they found, sealed as a chain (RFC 8617), without I/O.

verify() and seal() are the whole of it; `chain` tells how to verify in steps.
"""

from mailhost.protocols.arc.chain import (
    NO_CHAIN,
    ChainStatus,
    ChainVerification,
    Sealer,
    check_chain,
    find_sets,
    key_names,
    verify,
)
from mailhost.protocols.arc.sealing import seal
from mailhost.protocols.arc.sets import MAX_SETS, ArcSet

__all__ = [
    "MAX_SETS",
    "NO_CHAIN",
    "ArcSet",
    "ChainStatus",
    "ChainVerification",
    "Sealer",
    "check_chain",
    "find_sets",
    "key_names",
    "seal",
    "verify",
]
