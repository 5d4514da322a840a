"""Addresses of peers as text, and what is known of them without asking anybody."""

import functools
import ipaddress

KNOWN_ADDRESSES = 4096  # parsed lately; parsing one takes 10 µs, and a short session asks several times


@functools.lru_cache(maxsize=KNOWN_ADDRESSES)
def plain_address(address: str) -> str:
    """An IP address as text; an IPv4 client on a dual-stack socket in its IPv4 form, no zone."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return str(mapped or parsed)


@functools.lru_cache(maxsize=KNOWN_ADDRESSES)
def is_loopback_address(address: str) -> bool:
    """Whether a plain address is this machine's own."""
    return ipaddress.ip_address(address).is_loopback
