"""What an MTA tells a milter: SMFIC_… commands, each with the macros that belong to it."""

import struct
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from ipaddress import IPv4Address
from typing import Final

from mailhost.protocols.milter.negotiation import Steps
from mailhost.protocols.milter.packets import MAX_CHUNK_OCTETS, Packet
from mailhost.protocols.smtp.header import Field

_PORT: Final = struct.Struct("!H")
_FIRST_VERSION_WITH_DATA: Final = 4


class Command(Enum):
    """letter, and the steps by which a milter leaves it out or says nothing to it."""

    CONNECT = (b"C", Steps.NO_CONNECT, Steps.QUIET_CONNECT)
    HELO = (b"H", Steps.NO_HELO, Steps.QUIET_HELO)
    MAIL = (b"M", Steps.NO_MAIL, Steps.QUIET_MAIL)
    RCPT = (b"R", Steps.NO_RCPT, Steps.QUIET_RCPT)
    DATA = (b"T", Steps.NO_DATA, Steps.QUIET_DATA)
    HEADER = (b"L", Steps.NO_HEADERS, Steps.QUIET_HEADERS)
    END_OF_HEADER = (b"N", Steps.NO_END_OF_HEADER, Steps.QUIET_END_OF_HEADER)
    BODY = (b"B", Steps.NO_BODY, Steps.QUIET_BODY)
    END_OF_BODY = (b"E", Steps(0), Steps(0))

    def __init__(self, letter: bytes, left_out: Steps, quiet: Steps) -> None:
        self.letter = letter
        self.left_out = left_out
        self.quiet = quiet

    def is_sent(self, steps: Steps, *, version: int) -> bool:
        """Whether this milter wants to hear it."""
        if self is Command.DATA and version < _FIRST_VERSION_WITH_DATA:
            return False
        return not steps & self.left_out

    def is_answered(self, steps: Steps) -> bool:
        """Whether this milter says something to it."""
        return not steps & self.quiet


QUIT: Final = Packet(b"Q")
ABORT: Final = Packet(b"A")


def macros(command: Command, values: Mapping[str, str]) -> Packet:
    """SMFIC_MACRO, sent before its command: names as sendmail has them, longer ones in braces."""
    pairs = b"".join(_string(name) + _string(value) for name, value in values.items() if value)
    return Packet(b"D", command.letter + pairs)


def connect(*, client_name: str, address: str, port: int) -> Packet:
    """client_name: "" where its address has none that leads back. address: an IP address."""
    family = b"4" if _is_ipv4(address) else b"6"
    name = client_name or f"[{address}]"
    return Packet(Command.CONNECT.letter, _string(name) + family + _PORT.pack(port) + _string(address))


def helo(name: str) -> Packet:
    return Packet(Command.HELO.letter, _string(name))


def mail(reverse_path: str) -> Packet:
    """ "" is the null reverse-path."""
    return Packet(Command.MAIL.letter, _string(f"<{reverse_path}>"))


def rcpt(forward_path: str) -> Packet:
    return Packet(Command.RCPT.letter, _string(f"<{forward_path}>"))


def header(header_octets: bytes, fields: Iterable[Field], *, steps: Steps) -> Iterator[Packet]:
    """A packet for each field; lines of one end in LF, as milters know it from sendmail.

    A field that is longer than a packet is cut: no milter could take it.
    """
    for field in fields:
        name = header_octets[field.start : field.value_start].rstrip(b": \t")
        value = header_octets[field.value_start : field.end].rstrip(b"\r\n").replace(b"\r\n", b"\n")
        if not steps & Steps.LEADING_SPACE:
            value = value.removeprefix(b" ")
        name, value = name.replace(b"\0", b""), value.replace(b"\0", b"")
        content = name + b"\0" + value[: max(0, MAX_CHUNK_OCTETS - len(name) - 2)] + b"\0"
        yield Packet(Command.HEADER.letter, content)


def body(octets: bytes, *, start: int) -> Iterator[Packet]:
    """What is behind the blank line, in pieces."""
    for position in range(start, len(octets), MAX_CHUNK_OCTETS):
        yield Packet(Command.BODY.letter, octets[position : position + MAX_CHUNK_OCTETS])


def _string(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape").replace(b"\0", b"") + b"\0"


def _is_ipv4(address: str) -> bool:
    try:
        IPv4Address(address)
    except ValueError:
        return False
    return True
