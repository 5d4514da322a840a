"""SETACL and DELETEACL (RFC 4314 sections 3.1 and 3.2)."""

from mailboxes.exceptions import AccountNotFound
from mailboxes.imap.refusals import Refused
from mailboxes.imap.session import Session
from mailboxes.store.grants import Change, change_grant
from mailboxes.store.rights import find
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.acl import RIGHTS, DeleteAcl, SetAcl
from mailhost.protocols.imap.responses import Reply, ok


async def set_acl(session: Session, command: SetAcl) -> Reply:
    _refuse_negative(command.identifier)
    await in_store(
        _change,
        session.account_id,
        command.name,
        command.identifier,
        command.change.value,
        command.rights,
    )
    return ok("")


async def delete_acl(session: Session, command: DeleteAcl) -> Reply:
    _refuse_negative(command.identifier)
    try:
        await in_store(_change, session.account_id, command.name, command.identifier, "remove", RIGHTS)
    except AccountNotFound:
        pass  # who does not exist has no rights: clients tidy up so after an account is gone
    return ok("")


def _refuse_negative(identifier: str) -> None:
    """Section 2: a server need not support them. So a login that begins with a dash cannot be given rights."""
    if identifier.startswith("-"):
        raise Refused('"Negative right" identifiers are not supported.', "CANNOT")


def _change(account_id: int, name: str, identifier: str, change: Change, rights: str) -> None:
    entry = find(account_id=account_id, name=name, needed="a")
    change_grant(entry=entry, acting_id=account_id, identifier=identifier, change=change, rights=rights)
