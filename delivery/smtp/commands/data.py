"""DATA (RFC 5321 section 4.1.1.4)."""

from typing import Final

from delivery.smtp.incoming import Share
from delivery.smtp.message_reading import read_message
from delivery.smtp.replies import FACTS, reply_to
from delivery.smtp.session import Session, State
from delivery.smtp.taking import take, tell_each
from mailhost.protocols.smtp.replies import CommandRefused, Reply

ALLOWED_IN: Final = frozenset({State.RECIPIENTS})
GO_AHEAD: Final = Reply(354, "", "End data with <CR><LF>.<CR><LF>")

# RFC 3030 section 3: binary octets have no lines, so no dot can end them.
NEEDS_BDAT: Final = Reply(503, "5.5.1", "BODY=BINARYMIME needs BDAT")


async def data(session: Session, argument: str) -> Reply:
    """Takes the message and hands it to delivery."""
    if argument:
        raise CommandRefused(501, "5.5.4", "DATA takes no argument")
    if session.envelope is not None and session.envelope.body == "BINARYMIME":
        return NEEDS_BDAT
    session.connection.write(GO_AHEAD.encode())
    share = Share(session.host, now=session.connection.loop.time)
    try:
        return await take(session, await read_message(session, share))
    except FACTS as fact:
        return tell_each(session, [reply_to(fact)])
    finally:
        share.release()
        session.reset()
