"""Bans that make themselves: who offends again and again is banned for a while, and longer each time."""

from datetime import datetime
from typing import Final

import structlog
from django.conf import settings

from mailhost.bans.banning import ban
from mailhost.bans.networks import customer
from mailhost.net import counters
from mailhost.net.trust import is_trusted

log = structlog.get_logger(__name__)

MEMORY_SECONDS: Final = 7 * 86_400  # how long an earlier ban makes the next one longer
MAX_DOUBLINGS: Final = 8  # from an hour to eleven days
AUTOMATIC: Final = "mailhost"  # who acts, in the audit trail


def note_offence(*, peer: str, what: str, now: datetime) -> bool:
    """Counts one offence of a client's address (IPv6: /64); True where that led to a ban.

    what: for people, such as "guessed recipients". Trusted networks are never banned, nor is what is no address.
    """
    if not settings.BAN_AFTER_OFFENCES or is_trusted(peer):
        return False
    try:
        network = str(customer(peer))
    except ValueError:
        return False
    count = counters.increment(f"offences:{network}", window_seconds=settings.BAN_OFFENCE_WINDOW_SECONDS)
    if count < settings.BAN_AFTER_OFFENCES:
        return False
    counters.forget(f"offences:{network}")
    before = counters.increment(f"bans:{network}", window_seconds=MEMORY_SECONDS) - 1
    ban(
        network=network,
        reason=f"{what}, {count} times",
        seconds=settings.BAN_SECONDS * 2 ** min(before, MAX_DOUBLINGS),
        by=AUTOMATIC,
        now=now,
    )
    log.warning("banned", network=network, reason=what)
    return True
