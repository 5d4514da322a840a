"""From a command's octets to its reply: parse, is it legal now, run, word what stood in the way."""

from array import array
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from django.db import DatabaseError

from mailboxes.imap.commands.table import COMMANDS
from mailboxes.imap.numbering import is_by_number
from mailboxes.imap.refusals import WORDED, word_refusal
from mailboxes.imap.selected import MailboxGone
from mailboxes.imap.session import Session
from mailboxes.imap.telling import tell_changes
from mailhost.net.stream.interruptions import ConnectionLost, IdleTimeout
from mailhost.protocols.imap import commands as c
from mailhost.protocols.imap.appending import Append, Replace
from mailhost.protocols.imap.errors import ImapSyntaxError, UnknownCharset
from mailhost.protocols.imap.framing import (
    NO_ROOM,
    NOT_AWAITED,
    NOT_TAKEN,
    TOO_BIG,
    CommandText,
    CommandTooBig,
)
from mailhost.protocols.imap.parser import parse, parse_tag
from mailhost.protocols.imap.responses import Reply, bad, no
from mailhost.protocols.imap.search_parser import CHARSETS
from mailhost.protocols.imap.states import WITH_MAILBOX, State

log = structlog.get_logger(__name__)

Run = Callable[[Session, Any], Awaitable[Reply | None]]

_WHEN = {
    State.NOT_AUTHENTICATED: "Log in first",
    State.AUTHENTICATED: "Not in this state: no mailbox is selected, or the login is over",
    State.SELECTED: "The login is over",
}
_COPIES = (Append, Replace, c.Copy, c.Move)


async def serve(session: Session, text: CommandText) -> Reply | None:
    """Run one command; its reply, or None where the command has answered by itself."""
    session.tag = parse_tag(text)
    try:
        return await _serve(session, text)
    except (ConnectionLost, IdleTimeout, MailboxGone):  # the session is over
        raise
    except Exception as error:  # a mistake of ours: the client can go on with its other commands
        log.error("command failed", state=session.state.name, exc_info=error)
        return no("Something went wrong in this server", "SERVERBUG")


async def _serve(session: Session, text: CommandText) -> Reply | None:
    try:
        knows_charsets = "UTF8=ACCEPT" not in session.enabled
        tagged = parse(text, has_utf8_names=session.has_utf8_names, knows_charsets=knows_charsets)
    except ImapSyntaxError as error:
        return bad(f"Error in IMAP command: {error}")
    except UnknownCharset as error:
        if error.was_to_be_saved and session.selected is not None:
            session.selected.saved = array("I")
        return no("Unknown charset", f"BADCHARSET ({' '.join(reversed(CHARSETS))})")
    command = tagged.command
    if command.extension in session.switched_off:
        return bad(f"Error in IMAP command: unknown command {tagged.name}")
    if session.state not in command.allowed_in:
        return bad(_WHEN[session.state])
    if "UIDONLY" in session.enabled and is_by_number(command):
        return bad("Message numbers are not used in this session", "UIDREQUIRED")
    reply = await _run(session, command)
    if reply is None or session.state is State.LOGOUT:
        return reply
    if session.news is not None and reply.status == "OK":
        session.news.note_own(command)
    at_any_time = session.hearing.expunges_at_any_time
    await tell_changes(session, may_tell_expunges=command.may_tell_expunges or at_any_time)
    return reply if reply.text else Reply(reply.status, f"{tagged.name} completed", reply.code)


async def _run(session: Session, command: c.Command) -> Reply | None:
    run: Run = COMMANDS[type(command)]
    try:
        if command.allowed_in == WITH_MAILBOX:
            await session.mailbox.look_at_rights()
        return await run(session, command)
    except ImapSyntaxError as error:  # a sequence number that there is not
        return bad(f"Error in IMAP command: {error}")
    except WORDED as error:
        return word_refusal(error, is_copy_target=isinstance(command, _COPIES))
    except DatabaseError as error:
        log.error("store refused", command=type(command).__name__, exc_info=error)
        return no("Something went wrong in the mail store", "SERVERBUG")


def refuse_framing(session: Session, command: CommandTooBig) -> Reply:
    """A literal or line beyond its bound: RFC 7888 section 4 and RFC 7889 section 4 say TOOBIG."""
    if command.text == NOT_TAKEN and session.obstacle is not None:
        return word_refusal(session.obstacle, is_copy_target=True)
    if command.text == TOO_BIG:
        return no("The literal is too big", "TOOBIG")
    if command.text == NOT_AWAITED:
        return bad("The literal is too big to be sent without waiting for our +", "TOOBIG")
    if command.text == NO_ROOM:
        return no("Too much mail is on its way in; try again in a moment.", "LIMIT")
    return bad(f"Error in IMAP command: {command.text}")
