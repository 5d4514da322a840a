"""TCP ports: free before the start, accepting after it."""

import os
import socket
from collections.abc import Mapping


class PortTaken(Exception):
    """Another program listens there, or we may not; the text names the port and the setting that moves it."""


def require_free(ports: Mapping[str, int], *, host: str) -> None:
    """Raises PortTaken for the first port that cannot be listened on."""
    for name, port in ports.items():
        try:
            with socket.create_server((host, port), family=_family(host)):
                pass
        except OSError as error:
            number = error.errno or 0  # of a name look-up it is below zero
            reason = os.strerror(number) if number > 0 else error.strerror or str(error)
            raise PortTaken(
                f"Port {port} ({name}) on {host} cannot be listened on: {reason}. "
                f"Stop the program that has it, or choose another port with MAILHOST_PORT_{name.upper()}=…, "
                "or move all ports with MAILHOST_PORT_OFFSET=100."
            ) from error


def is_accepting(port: int, *, host: str) -> bool:
    """True when a connection is taken there."""
    try:
        with socket.create_connection((reachable(host), port), timeout=1):
            return True
    except OSError:
        return False


def reachable(host: str) -> str:
    """The address to connect to for an address that is listened on."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
