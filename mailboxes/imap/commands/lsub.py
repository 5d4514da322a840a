"""LSUB (RFC 3501 section 6.3.9): subscribed names, also those of mailboxes that are gone."""

from unicodedata import normalize

from mailboxes.imap.commands.list import list_response, superiors
from mailboxes.imap.session import Session
from mailboxes.store.hierarchy import list_mailboxes
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Lsub
from mailhost.protocols.imap.list_patterns import matches
from mailhost.protocols.imap.responses import Reply, ok


async def lsub(session: Session, command: Lsub) -> Reply:
    entries = await in_store(list_mailboxes, account_id=session.account_id)
    pattern = normalize("NFC", command.reference + command.pattern)
    told: dict[str, list[str]] = {}
    for entry in entries:
        if not entry.is_subscribed:
            continue
        if matches(pattern, entry.name):
            told[entry.name] = [] if entry.exists else ["\\Noselect"]
        elif pattern.endswith("%"):
            # "foo/bar" is subscribed, "foo" is not, and "%" is asked for: foo is told as \Noselect.
            for superior in superiors(entry.name):
                if matches(pattern, superior):
                    told.setdefault(superior, ["\\Noselect"])
    responses = [list_response("LSUB", name, attributes) for name, attributes in sorted(told.items())]
    await session.send(b"".join(responses))
    return ok("")
