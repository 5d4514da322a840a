"""Which clients are ours: MAILHOST_TRUSTED_NETWORKS."""

import ipaddress

from django.conf import settings


def is_trusted(peer: str) -> bool:
    """Whether this address is in a trusted network; what is no address is in none."""
    if not settings.TRUSTED_NETWORKS:
        return False
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(
        address.version == network.version and address in network for network in settings.TRUSTED_NETWORKS
    )
