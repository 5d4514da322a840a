"""NAMESPACE (RFC 2342): the account's own mailboxes, and those that others share, under their logins."""

from mailboxes.imap.session import Session
from mailboxes.store.mailbox_names import OTHER_USERS, SEPARATOR
from mailhost.protocols.imap.commands import Namespace
from mailhost.protocols.imap.responses import Reply, ok, untagged


async def namespace(session: Session, command: Namespace) -> Reply:
    others = f'"{OTHER_USERS}{SEPARATOR}" "{SEPARATOR}"'
    session.write(untagged(f'NAMESPACE (("" "{SEPARATOR}")) (({others})) NIL'))
    return ok("")
