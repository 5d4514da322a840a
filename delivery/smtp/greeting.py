"""The greeting, and clients that do not wait for it (RFC 5321 section 4.3.1: they must).

Programs that spread junk push their commands out without reading. Who is not known yet is kept waiting for a moment,
and sent away where he speaks in it; who has waited is known for a day, so that ordinary mail loses nothing.
"""

import ipaddress
from collections.abc import Callable
from typing import Final

import structlog
from django.conf import settings

from delivery.smtp.session import Door, Session
from mailhost.protocols.smtp.replies import Reply

log = structlog.get_logger(__name__)

EARLY_TALKER: Final = Reply(554, "5.5.1", "You spoke before the greeting")


async def greet(session: Session) -> bool:
    """Says who we are. False: the client did not wait for it, and was told so."""
    if await _speaks_early(session):
        log.info("early talker", peer=session.connection.peer)
        session.connection.write(EARLY_TALKER.encode())
        return False
    protocol = "LMTP" if session.door is Door.LMTP else "ESMTP"
    session.connection.write(Reply(220, "", f"{session.host.name} {protocol}").encode())
    return True


async def _speaks_early(session: Session) -> bool:
    delay: float = settings.SMTP_GREETING_DELAY_SECONDS
    if not delay or session.door is not Door.INBOUND:
        return False
    connection, patient = session.connection, session.host.patient
    clock: Callable[[], float] = connection.loop.time
    if patient.knows(connection.peer, now=clock()) or _is_trusted(connection.peer):
        return False
    if await connection.speaks_within(delay):
        return True
    patient.remember(connection.peer, now=clock())
    return False


def _is_trusted(peer: str) -> bool:
    address = ipaddress.ip_address(peer)
    return any(address in network for network in settings.TRUSTED_NETWORKS)
