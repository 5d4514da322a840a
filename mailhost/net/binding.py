"""Listening sockets, which several processes of ours may share."""

import errno
import os
import socket

BACKLOG = 1024  # a burst of clients after a restart; the kernel caps it at net.core.somaxconn


class CannotListen(Exception):
    """The socket cannot be had; the text says which port and why."""


class PortTaken(CannotListen):
    """Another program listens there."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"Port {port} on {host or 'all addresses'} is taken by another program.")
        self.host = host
        self.port = port


def bind(host: str, port: int) -> socket.socket:
    """A listening, non-blocking socket. "" and "::" take IPv4 and IPv6, "0.0.0.0" IPv4 alone; port 0 any free
    one.

    Several processes of ours may listen there, and the kernel spreads connections (SO_REUSEPORT). Raises
    PortTaken, CannotListen.
    """
    family = socket.AF_INET6 if (":" in host or not host) and socket.has_dualstack_ipv6() else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host not in {"", "::"}))
        sock.setblocking(False)
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(host, port) from error
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise CannotListen(f"Cannot listen on port {port} of {host or 'all addresses'}: {reason}.") from error
    return sock
