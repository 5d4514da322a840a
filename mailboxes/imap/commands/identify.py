"""ID (RFC 2971): who the client says it is goes to the log, who we are goes to the client."""

import structlog

from mailboxes.imap.session import Session
from mailhost.protocols.imap.commands import Id
from mailhost.protocols.imap.responses import Reply, ok, untagged

log = structlog.get_logger(__name__)


async def identify(session: Session, command: Id) -> Reply:
    fields = {name.lower(): value for name, value in command.fields if value}
    log.info("client", peer=session.connection.peer, name=fields.get("name"), version=fields.get("version"))
    session.write(untagged('ID ("name" "mailhost")'))
    return ok("")
