"""SELECT and EXAMINE (RFC 3501 sections 6.3.1 and 6.3.2; RFC 7162 sections 3.1.2, 3.1.8 and 3.2.5)."""

from mailboxes.imap.flags import flags_permitted
from mailboxes.imap.listing import Told
from mailboxes.imap.naming import canonical
from mailboxes.imap.resyncing import resync
from mailboxes.imap.selected import Selected
from mailboxes.imap.session import Session
from mailboxes.store.search import count_from, first_unseen
from mailboxes.store.select import select_mailbox
from mailboxes.store.values import MailboxEntry
from mailboxes.store.values import Selected as Opened
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Select
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.object_ids import mailbox_object_id
from mailhost.protocols.imap.responses import Reply, ok, status_line, untagged

# Finding the first unseen message means scanning from the oldest. UNSEEN may be left out (section 6.3.1: "if
# this is missing, the client can not make any assumptions"), and is where the scan would make SELECT slow.
MAX_SCANNED_FOR_UNSEEN = 1_000


async def select(session: Session, command: Select) -> Reply:
    _refuse_parameters(session, command)
    if session.selected is not None:
        await session.deselect()  # also where this SELECT fails (section 6.3.1)
        session.write(status_line("*", "OK", "The mailbox before is closed.", "CLOSED"))
    if command.is_condstore:
        session.enable("CONDSTORE")
    opened, recent_count, unseen = await in_store(
        _open, session.account_id, command, knows_recent="IMAP4rev2" not in session.enabled
    )
    selected = Selected(
        opened.entry,
        first_recent_uid=opened.first_recent_uid,
        recent_count=recent_count,
        is_read_only=command.is_read_only,
        shared=session.host.views,
        modes=session.enabled,
        visitor_id=session.account_id if opened.entry.account_id != session.account_id else None,
    )
    session.select(selected)
    session.write(_told(session, command.name, opened, recent_count, unseen))
    if command.resync is not None:
        await resync(session, command.resync)
    return ok("", "READ-ONLY" if selected.is_read_only else "READ-WRITE")


def _refuse_parameters(session: Session, command: Select) -> None:
    """Raises ImapSyntaxError before anything is closed."""
    if command.resync is not None and "QRESYNC" not in session.enabled:
        raise ImapSyntaxError("QRESYNC was not enabled")  # RFC 7162 section 3.2.5
    if command.is_condstore and "CONDSTORE" in session.switched_off:
        raise ImapSyntaxError("CONDSTORE is not a parameter of SELECT")


def _told(session: Session, supplied: str, opened: Opened, recent_count: int, unseen: int) -> bytes:
    entry = opened.entry
    modseq = entry.highest_modseq
    if "IMAP4rev2" in session.enabled:  # RFC 9051 section 6.3.2: neither RECENT nor UNSEEN, but the name
        name = canonical(supplied)
        old_name = supplied if name != supplied else ""
        more = Told(name, entry, old_name=old_name).response(is_utf8=session.has_utf8_names)
    else:
        more = untagged(f"{recent_count} RECENT")
        if unseen and "UIDONLY" not in session.enabled:  # it is a sequence number
            more += status_line("*", "OK", "First unseen.", f"UNSEEN {unseen}")
    return (
        flags_permitted(entry.rights, is_read_only=session.mailbox.is_read_only)
        + untagged(f"{entry.message_count} EXISTS")
        + more
        + _identity(session, entry)
        + status_line("*", "OK", "UIDs valid.", f"UIDVALIDITY {entry.uid_validity}")
        + status_line("*", "OK", "Predicted next UID.", f"UIDNEXT {entry.uid_next}")
        + status_line("*", "OK", "The newest change.", f"HIGHESTMODSEQ {modseq}")
    )


def _identity(session: Session, entry: MailboxEntry) -> bytes:
    """RFC 8474 section 4.2."""
    if "OBJECTID" in session.switched_off:
        return b""
    return status_line("*", "OK", "The mailbox itself.", f"MAILBOXID ({mailbox_object_id(entry.mailbox_id)})")


def _open(account_id: int, command: Select, *, knows_recent: bool) -> tuple[Opened, int, int]:
    """The mailbox's row, how many are \\Recent, and the first unseen one's sequence number (0: not told)."""
    claim_recent = knows_recent and not command.is_read_only
    opened = select_mailbox(account_id=account_id, name=command.name, claim_recent=claim_recent)
    entry = opened.entry
    recent_count = unseen = 0
    if knows_recent and opened.first_recent_uid < entry.uid_next:
        recent_count = count_from(
            mailbox_id=entry.mailbox_id, uid=opened.first_recent_uid, below=entry.uid_next
        )
    if knows_recent and entry.unseen_count and entry.message_count <= MAX_SCANNED_FOR_UNSEEN:
        unseen = first_unseen(mailbox_id=entry.mailbox_id)
    return opened, recent_count, unseen
