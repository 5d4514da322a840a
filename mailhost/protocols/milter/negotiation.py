"""What we and a milter agree on before anything else: SMFIC_OPTNEG of protocol version 6.

Only what is carried out is offered. A milter that needs more (another body, other recipients, another reverse-path)
says so by going away, and is never made to believe that we did what it asked.
"""

import struct
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

from mailhost.protocols.milter.packets import MilterSyntaxError, Packet

VERSION: Final = 6
OLDEST_VERSION: Final = 2  # libmilter's own: version 1 knew neither changed fields nor quarantine
OPTNEG: Final = b"O"
_OPTIONS: Final = struct.Struct("!III")


class Actions(IntFlag):
    """SMFIF_…: what a milter may ask for at the end of the message."""

    ADD_HEADERS = 0x01
    CHANGE_BODY = 0x02
    ADD_RECIPIENT = 0x04
    DELETE_RECIPIENT = 0x08
    CHANGE_HEADERS = 0x10
    QUARANTINE = 0x20
    CHANGE_FROM = 0x40
    ADD_RECIPIENT_WITH_ARGUMENTS = 0x80
    SET_MACROS = 0x100


class Steps(IntFlag):
    """SMFIP_…: what is left out, and what is not answered. NO_…: it is not sent; QUIET_…: the milter says nothing."""

    NO_CONNECT = 0x01
    NO_HELO = 0x02
    NO_MAIL = 0x04
    NO_RCPT = 0x08
    NO_BODY = 0x10
    NO_HEADERS = 0x20
    NO_END_OF_HEADER = 0x40
    QUIET_HEADERS = 0x80
    NO_UNKNOWN = 0x100
    NO_DATA = 0x200
    SKIP = 0x400
    REFUSED_RECIPIENTS = 0x800
    QUIET_CONNECT = 0x1000
    QUIET_HELO = 0x2000
    QUIET_MAIL = 0x4000
    QUIET_RCPT = 0x8000
    QUIET_DATA = 0x10000
    QUIET_UNKNOWN = 0x20000
    QUIET_END_OF_HEADER = 0x40000
    QUIET_BODY = 0x80000
    LEADING_SPACE = 0x100000


OFFERED_ACTIONS: Final = (Actions.ADD_HEADERS | Actions.CHANGE_HEADERS | Actions.QUARANTINE).value
# All but recipients that were refused before: the milter is asked when the message is here, about those that are left.
OFFERED_STEPS: Final = 0x1FFFFF & ~Steps.REFUSED_RECIPIENTS.value


@dataclass(frozen=True, slots=True)
class Agreed:
    """What holds for one conversation."""

    version: int
    actions: Actions
    steps: Steps


def offer() -> Packet:
    """The first packet."""
    return Packet(OPTNEG, _OPTIONS.pack(VERSION, OFFERED_ACTIONS, OFFERED_STEPS))


def read_agreement(packet: Packet) -> Agreed:
    """What the milter makes of the offer. Raises MilterSyntaxError where it takes what was not offered."""
    if packet.letter != OPTNEG or len(packet.content) < _OPTIONS.size:
        raise MilterSyntaxError("It does not answer what is to be agreed on.")
    version, actions, steps = _OPTIONS.unpack_from(packet.content)
    if not OLDEST_VERSION <= version <= VERSION:
        raise MilterSyntaxError(f"It speaks version {version} of the protocol.")
    if actions & ~OFFERED_ACTIONS:
        raise MilterSyntaxError(f"It asks for what is not offered (actions {actions & ~OFFERED_ACTIONS:#x}).")
    if steps & ~OFFERED_STEPS:
        raise MilterSyntaxError(f"It asks for what is not offered (steps {steps & ~OFFERED_STEPS:#x}).")
    return Agreed(version, Actions(actions), Steps(steps))
