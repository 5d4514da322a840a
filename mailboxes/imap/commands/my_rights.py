"""MYRIGHTS (RFC 4314 section 3.5)."""

from mailboxes.imap.session import Session
from mailboxes.store.rights import find_noticed
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.acl import MyRights, my_rights_response
from mailhost.protocols.imap.responses import Reply, ok


async def my_rights(session: Session, command: MyRights) -> Reply:
    entry = await in_store(find_noticed, account_id=session.account_id, name=command.name)
    session.write(my_rights_response(session.wire_name(entry.name), entry.rights))
    return ok("")
