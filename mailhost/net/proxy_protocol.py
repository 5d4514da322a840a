"""Connections that come by a balancer: its header is read off the socket before anything else, TLS included."""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from typing import Final, Protocol

from mailhost.net.connection import Connection
from mailhost.net.peer_addresses import is_loopback_address, plain_address
from mailhost.protocols.proxy import ProxySyntaxError, Source, missing_octets, parse_proxy_header

# proxy-protocol.txt section 2 asks for at least 3 seconds: the header may have to be sent again.
HEADER_TIMEOUT_SECONDS: Final = 5.0

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class NoProxyHeader(Exception):
    """A balancer that should send a header sent none, in time or at all."""


class AnyPeer(Protocol):
    """What is changed of a connection that a balancer handed on."""

    peer: str
    is_loopback: bool


def is_balancer(address: str, networks: Sequence[Network]) -> bool:
    """Whether connections from there begin with a header. From anybody else one would be a lie about who they are."""
    return any(ipaddress.ip_address(address) in network for network in networks)


async def read_source(sock: socket.socket, *, timeout: float = HEADER_TIMEOUT_SECONDS) -> Source | None:
    """Who made the connection; None where the balancer made it itself, as it does to see whether we live.

    Reads the header and not one octet more. Raises NoProxyHeader.
    """
    loop = asyncio.get_running_loop()
    head = b""
    try:
        async with asyncio.timeout(timeout):
            while missing := missing_octets(head):
                octets = await loop.sock_recv(sock, missing)
                if not octets:
                    raise NoProxyHeader("The connection ended before its header did.")
                head += octets
        return parse_proxy_header(head)
    except (ProxySyntaxError, OSError) as error:  # covers the time-out
        raise NoProxyHeader(str(error) or "No header came in time.") from error


def speak_for(connection: AnyPeer, source: Source) -> None:
    """From here on the connection is the client's, not the balancer's: limits, logs and trust go by its address."""
    connection.peer = plain_address(source.address)
    connection.is_loopback = is_loopback_address(connection.peer)
    if isinstance(connection, Connection):
        connection.peer_port = source.port
        connection.local, connection.local_port = plain_address(source.local), source.local_port
