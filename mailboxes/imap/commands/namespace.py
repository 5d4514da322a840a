"""NAMESPACE (RFC 2342): everything is the account's own, separated by "/"."""

from mailboxes.imap.session import Session
from mailhost.protocols.imap.commands import Namespace
from mailhost.protocols.imap.responses import Reply, ok, untagged


async def namespace(session: Session, command: Namespace) -> Reply:
    session.write(untagged('NAMESPACE (("" "/")) NIL NIL'))
    return ok("")
