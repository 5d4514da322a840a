"""STATUS (RFC 3501 section 6.3.10): from the mailbox's row, where all counts live."""

from collections.abc import Sequence

from mailboxes.imap.session import Session
from mailboxes.store.hierarchy import find_mailbox
from mailboxes.store.search import count_from
from mailboxes.store.values import MailboxEntry
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Status
from mailhost.protocols.imap.responses import Reply, astring, ok
from mailhost.protocols.imap.utf7 import encode_name


async def status(session: Session, command: Status) -> Reply:
    entry, recent_count = await in_store(_look, session.account_id, command)
    session.write(status_response(entry, command.items, recent_count))
    return ok("")


def _look(account_id: int, command: Status) -> tuple[MailboxEntry, int]:
    entry = find_mailbox(account_id=account_id, name=command.name)
    return entry, count_recent(entry) if "RECENT" in command.items else 0


def count_recent(entry: MailboxEntry) -> int:
    """How many messages no session has been told of (section 2.3.2)."""
    if entry.first_recent_uid >= entry.uid_next:
        return 0
    return count_from(mailbox_id=entry.mailbox_id, uid=entry.first_recent_uid, below=entry.uid_next)


def status_response(entry: MailboxEntry, items: Sequence[str], recent_count: int) -> bytes:
    """`* STATUS name (…)`, in the order asked for."""
    values = {
        "MESSAGES": entry.message_count,
        "RECENT": recent_count,
        "UIDNEXT": entry.uid_next,
        "UIDVALIDITY": entry.uid_validity,
        "UNSEEN": entry.unseen_count,
    }
    told = " ".join(f"{item} {values[item]}" for item in items)
    return b"* STATUS %b (%b)\r\n" % (astring(encode_name(entry.name)), told.encode("ascii"))
