"""Banning networks from the protocol doors, and lifting bans. Doors hear of it within seconds (following.py)."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from mailhost.audit.trail import record
from mailhost.bans.exceptions import NetworkTrusted, NotBanned
from mailhost.bans.models import Ban
from mailhost.bans.networks import parse_network


@transaction.atomic
def ban(*, network: str, reason: str, seconds: float | None, by: str, now: datetime) -> Ban:
    """Bans an address or a network for so long, or for good (None); one that is banned already is banned anew.

    Raises NetworkInvalid, NetworkTrusted.
    """
    parsed = parse_network(network)
    for trusted in settings.TRUSTED_NETWORKS:
        if parsed.version == trusted.version and parsed.overlaps(trusted):
            raise NetworkTrusted(parsed, trusted)
    expires_at = None if seconds is None else now + timedelta(seconds=seconds)
    Ban.objects.filter(network=str(parsed)).delete()
    made = Ban.objects.create(
        network=str(parsed), reason=reason, made_by=by, created_at=now, expires_at=expires_at
    )
    record(
        by=by,
        verb="network banned",
        subject=made.network,
        reason=reason,
        until=expires_at.isoformat(timespec="seconds") if expires_at else None,
    )
    return made


@transaction.atomic
def unban(*, network: str, by: str) -> None:
    """Lifts the ban of exactly this network. Raises NetworkInvalid, NotBanned."""
    parsed = parse_network(network)
    if not Ban.objects.filter(network=str(parsed)).delete()[0]:
        raise NotBanned(parsed)
    record(by=by, verb="ban lifted", subject=str(parsed))


def active_bans(*, now: datetime) -> list[Ban]:
    """Those that hold, the latest first."""
    return list(Ban.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now)))


def remove_expired(*, now: datetime) -> int:
    """Removes bans that are over; how many. The audit trail still tells of them."""
    return Ban.objects.filter(expires_at__lte=now).delete()[0]
