"""The greeting, and clients that do not wait for it (RFC 5321 section 4.3.1: they must).

Programs that spread junk push their commands out without reading: what they say is here before the greeting is ready
(the guard is asked first), and they are sent away. Where a setting says so, who is not known yet is kept waiting for a
moment, which catches more of them; who has waited is known for a day.
"""

from collections.abc import Callable
from typing import Final

import structlog
from django.conf import settings

from delivery.smtp.session import Door, Session
from mailhost.net.trust import is_trusted
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
    connection, patient = session.connection, session.host.patient
    is_asked = settings.SMTP_REFUSE_EARLY_TALKERS and session.door is Door.INBOUND
    if not is_asked or is_trusted(connection.peer):
        return False
    clock: Callable[[], float] = connection.loop.time
    if not delay or patient.knows(connection.peer, now=clock()):
        return await connection.has_spoken()
    if await connection.speaks_within(delay):
        return True
    patient.remember(connection.peer, now=clock())
    return False
