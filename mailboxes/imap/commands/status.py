"""STATUS (RFC 3501 section 6.3.10; items of RFC 7162, RFC 7889, RFC 8438, RFC 8474, RFC 9208)."""

from collections.abc import Sequence

from mailboxes.imap.mailbox_status import Figures, refuse_unknown, status_response
from mailboxes.imap.session import Session
from mailboxes.store.rights import find
from mailboxes.store.values import MailboxEntry
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Status
from mailhost.protocols.imap.responses import Reply, ok


async def status(session: Session, command: Status) -> Reply:
    refuse_unknown(command.items, session.switched_off)
    entry, figures = await in_store(_look, session.account_id, command.name, command.items)
    if "HIGHESTMODSEQ" in command.items:
        session.enable("CONDSTORE")  # RFC 7162 section 3.1: asking for it says that the client knows of it
    session.write(status_response(entry, command.items, figures, is_utf8=session.has_utf8_names))
    return ok("")


def _look(account_id: int, name: str, items: Sequence[str]) -> tuple[MailboxEntry, Figures]:
    entry = find(account_id=account_id, name=name, needed="r")  # RFC 4314 section 4
    return entry, Figures.of([entry], items)
