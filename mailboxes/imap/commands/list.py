"""LIST (RFC 3501 section 6.3.8; RFC 5258 options, RFC 5819 STATUS, RFC 6154 special use, RFC 8440 MYRIGHTS, RFC 9590
METADATA)."""

from dataclasses import dataclass

from mailboxes.imap.commands.metadata import values_told
from mailboxes.imap.listing import Asked, Listing
from mailboxes.imap.mailbox_status import Figures, refuse_unknown, status_response
from mailboxes.imap.session import Session
from mailboxes.store.annotations import Annotations, Wanted, may_annotate, read_mailboxes
from mailboxes.store.rights import list_all
from mailboxes.store.values import MailboxEntry
from mailhost.net.database import snapshot
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.acl import my_rights_response
from mailhost.protocols.imap.commands import List
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.metadata import metadata_response
from mailhost.protocols.imap.names import write_name
from mailhost.protocols.imap.responses import Reply, ok, untagged

# Options that come with a capability, and are unknown where that is switched off.
EXTENSIONS = {
    "SPECIAL-USE": "SPECIAL-USE",
    "STATUS": "LIST-STATUS",
    "MYRIGHTS": "LIST-MYRIGHTS",
    "METADATA": "LIST-METADATA",
}


async def list_(session: Session, command: List) -> Reply:
    _refuse_unknown(session, command)
    if command.patterns == ("",) and not command.is_extended:
        session.write(untagged('LIST (\\Noselect) "/" ""'))  # asks for the separator alone
        return ok("")
    if "HIGHESTMODSEQ" in command.status_items:
        session.enable("CONDSTORE")  # RFC 7162 section 3.1
    asked = Asked.by(command, is_rev2="IMAP4rev2" in session.enabled, switched_off=session.switched_off)
    answer = await in_store(_answer, session.account_id, _Extras.of(command, session), asked)
    await session.send(answer)
    return ok("")


def _refuse_unknown(session: Session, command: List) -> None:
    off = session.switched_off
    if command.is_extended and "LIST-EXTENDED" in off:
        raise ImapSyntaxError("unexpected words at the end of the command")
    for option in command.selection | command.returns:
        if EXTENSIONS.get(option) in off:
            raise ImapSyntaxError(f"{option} is not an option of LIST")
    refuse_unknown(command.status_items, off)


@dataclass(frozen=True, slots=True)
class _Extras:
    """What is told of each mailbox beside its LIST response."""

    status_items: tuple[str, ...]
    with_rights: bool
    metadata: Wanted
    is_utf8: bool

    @classmethod
    def of(cls, command: List, session: Session) -> "_Extras":
        metadata = Wanted(command.metadata_entries)
        return cls(command.status_items, "MYRIGHTS" in command.returns, metadata, session.has_utf8_names)


def _answer(account_id: int, extras: _Extras, asked: Asked) -> bytes:
    """All responses, in wire form: worked out in the store's thread, because patterns and names may be many."""
    with snapshot():
        told = Listing(list_all(account_id=account_id), asked).told()
        # RFC 5819 section 2: only what is selected, and may be asked for by itself.
        selected = [each.entry for each in told if each.entry is not None and each.is_selected]
        readable = {entry.mailbox_id: entry for entry in selected if "r" in entry.rights}
        figures = Figures.of(readable.values(), extras.status_items)
        annotations = _annotations(account_id, selected, extras.metadata)
    responses = []
    for each in told:
        responses.append(each.response(is_utf8=extras.is_utf8))
        if extras.with_rights and each.entry is not None:
            name = write_name(each.name, is_utf8=extras.is_utf8)
            responses.append(my_rights_response(name, each.entry.rights))
        if each.entry is None or not each.is_selected:
            continue
        if extras.status_items and each.entry.mailbox_id in readable:
            responses.append(
                status_response(each.entry, extras.status_items, figures, is_utf8=extras.is_utf8)
            )
        if each.entry.mailbox_id in annotations:
            found = values_told(annotations[each.entry.mailbox_id], extras.metadata)
            responses.append(metadata_response(write_name(each.name, is_utf8=extras.is_utf8), found))
    return b"".join(responses)


def _annotations(account_id: int, entries: list[MailboxEntry], wanted: Wanted) -> dict[int, Annotations]:
    if not wanted.entries:
        return {}
    return read_mailboxes(account_id=account_id, entries=filter(may_annotate, entries), wanted=wanted)
