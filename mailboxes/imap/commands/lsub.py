"""LSUB (RFC 3501 section 6.3.9): subscribed names, also those of mailboxes that are gone."""

from unicodedata import normalize

from mailboxes.imap.listing import Told, superiors_of
from mailboxes.imap.session import Session
from mailboxes.store.rights import list_all
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Lsub
from mailhost.protocols.imap.list_patterns import Patterns
from mailhost.protocols.imap.responses import Reply, ok


async def lsub(session: Session, command: Lsub) -> Reply:
    await session.send(await in_store(_answer, session.account_id, command, session.has_utf8_names))
    return ok("")


def _answer(account_id: int, command: Lsub, is_utf8: bool) -> bytes:
    text = normalize("NFC", command.reference + command.pattern)
    pattern = Patterns([text])
    subscribed = {entry.name: entry for entry in list_all(account_id=account_id) if entry.is_subscribed}
    told = {
        name: entry if entry.exists else None for name, entry in subscribed.items() if pattern.match(name)
    }
    if text.endswith("%"):
        # "foo/bar" is subscribed, "foo" is not, and "%" is asked for: foo is told as \Noselect.
        above = superiors_of(subscribed.keys() - told.keys())
        told |= {name: None for name in above - told.keys() if pattern.match(name)}
    lines = (
        Told(name, entry, () if entry else ("\\Noselect",)).response(is_utf8=is_utf8, word="LSUB")
        for name, entry in sorted(told.items())
    )
    return b"".join(lines)
