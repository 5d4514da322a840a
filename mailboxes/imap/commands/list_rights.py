"""LISTRIGHTS (RFC 4314 section 3.4): the owner has all rights for good, to others each can be given by itself."""

from django.conf import settings

from mailboxes.imap.session import Session
from mailboxes.store.grants import grantee
from mailboxes.store.rights import find
from mailboxes.store.values import MailboxEntry
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.acl import RIGHTS, TOLD, ListRights, list_rights_response, told_rights
from mailhost.protocols.imap.responses import Reply, ok


async def list_rights(session: Session, command: ListRights) -> Reply:
    entry, required, optional = await in_store(_look, session.account_id, command)
    session.write(
        list_rights_response(
            session.wire_name(entry.name), command.written, required=required, optional=optional
        )
    )
    return ok("")


def _look(account_id: int, command: ListRights) -> tuple[MailboxEntry, str, str]:
    entry = find(account_id=account_id, name=command.name, needed="a")
    if command.identifier.startswith("-"):
        return entry, "", ""  # negative rights: none can be given
    account = grantee(command.identifier)
    if account == entry.account_id:
        return entry, told_rights(RIGHTS), ""
    if account is None and not settings.SHARE_WITH_ANYONE:
        return entry, "", ""
    return entry, "", TOLD
