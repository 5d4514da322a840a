"""The loop of one connection: a command, its reply, the next one; and how it ends (RFC 3501 sections 3.4 and 5.4)."""

import functools

from mailboxes.imap.dispatch import refuse_framing, serve
from mailboxes.imap.host import ImapHost
from mailboxes.imap.reading_commands import read_command
from mailboxes.imap.selected import MailboxGone
from mailboxes.imap.session import Session
from mailboxes.imap.waiting import until_input
from mailhost.net.connection import Connection
from mailhost.net.stream.interruptions import ConnectionLost, IdleTimeout, ShuttingDown
from mailhost.protocols.imap.capabilities import KNOWN_LISTS
from mailhost.protocols.imap.framing import CommandTooBig
from mailhost.protocols.imap.responses import status_line
from mailhost.protocols.imap.states import State


async def converse(connection: Connection, host: ImapHost) -> None:
    """Serve until the client logs out, goes away, is silent for too long, or this process ends."""
    session = Session(connection, host)
    try:
        await session.send(_greeting(session.capabilities))
        while session.state is not State.LOGOUT:
            await _serve_next(session)
    except ShuttingDown:
        session.bye("Server is shutting down")
    except IdleTimeout:
        session.bye("Nothing heard for too long")
    except MailboxGone:
        selected = session.selected
        is_own = selected is None or selected.visitor_id is None
        session.bye(
            f"The selected mailbox was deleted{'' if is_own else ', or is no longer shared with you'}"
        )
    except ConnectionLost:
        pass
    finally:
        session.leave()
        session.let_go()


@functools.lru_cache(maxsize=KNOWN_LISTS)
def _greeting(capabilities: str) -> bytes:
    return status_line("*", "OK", "IMAP4rev1 server ready", f"CAPABILITY {capabilities}")


async def _serve_next(session: Session) -> None:
    session.let_go()
    if session.news is not None:
        await until_input(session, may_tell_expunges=session.hearing.expunges_at_any_time)
    command = await read_command(session)
    if isinstance(command, CommandTooBig):
        reply, session.tag = refuse_framing(session, command), command.tag
    else:
        served = await serve(session, command)
        if served is None:
            return
        reply = served
    await session.send(reply.to_wire(session.tag))
    session.bad_commands = session.bad_commands + 1 if reply.status == "BAD" else 0
    if session.bad_commands >= session.host.limits.bad_commands:
        session.bye("Too many bad commands")
        session.state = State.LOGOUT
