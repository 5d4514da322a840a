"""GETMETADATA and SETMETADATA (RFC 5464 sections 4.2 and 4.3)."""

from collections.abc import Iterator

from mailboxes.imap.session import Session
from mailboxes.store.annotations import (
    Annotations,
    Wanted,
    read_mailbox,
    read_server,
    set_mailbox,
    set_server,
)
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.metadata import GetMetadata, SetMetadata, metadata_response
from mailhost.protocols.imap.responses import Reply, ok


async def get_metadata(session: Session, command: GetMetadata) -> Reply:
    wanted = Wanted(command.entries, command.depth, command.max_octets)
    name = command.name
    if name:
        entry, found = await in_store(read_mailbox, account_id=session.account_id, name=name, wanted=wanted)
        name = entry.name
    else:
        found = await in_store(
            read_server, account_id=session.account_id, admin=_admin(session), wanted=wanted
        )
    told = list(values_told(found, wanted))
    if told:
        await session.send(metadata_response(session.wire_name(name), told))
    longest = max(found.too_long.values(), default=0)
    return ok("", f"METADATA LONGENTRIES {longest}" if found.too_long else "")


def values_told(found: Annotations, wanted: Wanted) -> Iterator[tuple[str, bytes | None]]:
    """What was found; NIL for an entry that was asked for by its name alone and is not there."""
    yield from found.values.items()
    if not wanted.depth:
        for entry in wanted.entries:
            if entry not in found.values and entry not in found.too_long:
                yield entry, None


def _admin(session: Session) -> str:
    """Whom people of this account's domain can write to (RFC 5321 section 4.5.1); "" where there is no domain."""
    principal = session.principal
    if principal is None or principal.address is None:
        return ""
    return f"mailto:postmaster@{principal.address.domain}"


async def set_metadata(session: Session, command: SetMetadata) -> Reply:
    assert session.principal is not None
    if command.name:
        await in_store(set_mailbox, account_id=session.account_id, name=command.name, values=command.values)
    else:
        await in_store(
            set_server,
            account_id=session.account_id,
            is_operator=session.principal.is_operator,
            values=command.values,
        )
    return ok("")
