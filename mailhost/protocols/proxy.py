"""The header by which a balancer says whose connection it hands on: PROXY protocol versions 1 and 2, as HAProxy's
proxy-protocol.txt defines them."""

import ipaddress
import re
import struct
from dataclasses import dataclass
from typing import Final

MAX_V1_OCTETS: Final = 107  # section 2.1, its CRLF included
MAX_V2_OCTETS: Final = (
    4_096  # section 2.2 allows 65,551: what follows the addresses (TLS, names) takes hundreds
)

_V1_START: Final = b"PROXY "
_V2_START: Final = b"\r\n\r\n\0\r\nQUIT\n"
_V2_HEAD: Final = struct.Struct(
    "!12sBBH"
)  # signature, version and command, family and protocol, octets that follow
_SHORTEST_V1: Final = len(b"PROXY UNKNOWN\r\n")
_V1_LINE: Final = re.compile(
    rb"PROXY (?:UNKNOWN(?: [ -~]*)?|TCP([46]) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4}))\r\n"
)
_LOCAL, _PROXY = 0x20, 0x21
_UNSPECIFIED, _TCP4, _TCP6 = 0x00, 0x11, 0x21


class ProxySyntaxError(ValueError):
    """These octets are no header."""


@dataclass(frozen=True, slots=True)
class Source:
    """Who made the connection, and to where: IP addresses as text."""

    address: str
    port: int
    local: str
    local_port: int


def missing_octets(head: bytes) -> int:
    """How many more octets surely belong to the header that begins so; 0 where it is whole. Raises ProxySyntaxError.

    What is behind the header (a client's TLS handshake, at best) is never counted.
    """
    if _V1_START.startswith(head[: len(_V1_START)]) and _V1_START[:1] == head[:1]:
        return _missing_of_v1(head)
    if not _V2_START.startswith(head[: len(_V2_START)]):
        raise ProxySyntaxError("It begins otherwise.")
    if len(head) < _V2_HEAD.size:
        # The shortest header of either version is longer than the signature, so reading that far is safe.
        return _SHORTEST_V1 - len(head) if len(head) < _SHORTEST_V1 else _V2_HEAD.size - len(head)
    length = _V2_HEAD.size + int(_V2_HEAD.unpack_from(head)[3])
    if length > MAX_V2_OCTETS:
        raise ProxySyntaxError("It is too long.")
    return length - len(head)


def _missing_of_v1(head: bytes) -> int:
    if head.endswith(b"\r\n"):
        return 0
    if b"\n" in head or len(head) >= MAX_V1_OCTETS:
        raise ProxySyntaxError("Its line does not end where it should.")
    if len(head) < _SHORTEST_V1:
        return _SHORTEST_V1 - len(head)
    return 1 if head.endswith(b"\r") else 2 if len(head) < MAX_V1_OCTETS - 1 else 1


def parse_proxy_header(head: bytes) -> Source | None:
    """The source of a whole header; None where the balancer speaks for itself (LOCAL, UNKNOWN). Raises
    ProxySyntaxError."""
    return _parse_v1(head) if head.startswith(_V1_START) else _parse_v2(head)


def _parse_v1(line: bytes) -> Source | None:
    found = _V1_LINE.fullmatch(line)
    if found is None:
        raise ProxySyntaxError("It is not written as section 2.1 asks.")
    if found[1] is None:
        return None
    family = ipaddress.IPv4Address if found[1] == b"4" else ipaddress.IPv6Address
    ports = int(found[4]), int(found[5])
    if max(ports) > 65_535:
        raise ProxySyntaxError("It has a port that cannot be.")
    try:
        source, local = (str(family(each.decode("ascii"))) for each in (found[2], found[3]))
    except ValueError as error:
        raise ProxySyntaxError("It has an address that is none.") from error
    return Source(source, ports[0], local, ports[1])


def _parse_v2(head: bytes) -> Source | None:
    if len(head) < _V2_HEAD.size:
        raise ProxySyntaxError("It is cut off.")
    signature, command, family, length = _V2_HEAD.unpack_from(head)
    body = head[_V2_HEAD.size :]
    if signature != _V2_START or len(body) != length or command not in {_LOCAL, _PROXY}:
        raise ProxySyntaxError("It has a version or a command that nobody knows.")
    if command == _LOCAL or family == _UNSPECIFIED:
        return None
    if family not in {_TCP4, _TCP6}:
        raise ProxySyntaxError("It is about something else than TCP.")
    octets = 4 if family == _TCP4 else 16
    if length < 2 * octets + 4:
        raise ProxySyntaxError("Its addresses are cut off.")
    # What follows them (type, length, value) is about TLS and names, and asks for nothing.
    source, local = (str(ipaddress.ip_address(body[at : at + octets])) for at in (0, octets))
    ports = struct.unpack_from("!HH", body, 2 * octets)
    return Source(source, ports[0], local, ports[1])
