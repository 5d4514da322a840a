"""DELE, RSET and NOOP (RFC 1939 section 5)."""

from mailboxes.pop3.session import Session
from mailhost.protocols.pop3.commands import Dele, Noop, Rset
from mailhost.protocols.pop3.replies import ok


async def dele(session: Session, command: Dele) -> None:
    """A mark that QUIT acts on."""
    session.maildrop.find(command.number)
    session.maildrop.deleted.add(command.number)
    await session.send(ok())


async def rset(session: Session, command: Rset) -> None:
    """No marks any more."""
    session.maildrop.deleted.clear()
    await session.send(ok())


async def noop(session: Session, command: Noop) -> None:
    """Still there."""
    await session.send(ok())
