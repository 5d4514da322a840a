"""GETACL (RFC 4314 section 3.3): the owner first, who always has all rights."""

from collections.abc import Sequence

from mailboxes.imap.session import Session
from mailboxes.store.grants import list_grants
from mailboxes.store.rights import find
from mailboxes.store.values import GrantEntry, MailboxEntry
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.acl import GetAcl, acl_response
from mailhost.protocols.imap.responses import Reply, ok


async def get_acl(session: Session, command: GetAcl) -> Reply:
    entry, grants = await in_store(_look, session.account_id, command.name)
    pairs = [(grant.identifier, grant.rights) for grant in grants]
    await session.send(acl_response(session.wire_name(entry.name), pairs))
    return ok("")


def _look(account_id: int, name: str) -> tuple[MailboxEntry, Sequence[GrantEntry]]:
    entry = find(account_id=account_id, name=name, needed="a")
    return entry, list_grants(entry=entry)
