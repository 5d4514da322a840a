"""What a mailbox is called, told to clients that may have called it otherwise (RFC 9051 section 6.3.9.7)."""

from mailboxes.imap.listing import exactly
from mailboxes.imap.session import Session
from mailboxes.store.mailbox_names import SEPARATOR, canonical_name
from mailboxes.store.rights import list_all, others_name
from mailhost.net.store_threads import in_store


def without_separator(name: str) -> str:
    """The name without one separator at its end: that only says that there will be inferior names (section 6.3.4)."""
    return name.removesuffix(SEPARATOR)


def canonical(name: str) -> str:
    """The name as LIST tells it. For one that was found already."""
    others = others_name(name)
    return canonical_name(name) if others is None else others.told


async def tell_name(session: Session, name: str, *, supplied: str) -> None:
    """An untagged LIST with OLDNAME where the name is not the supplied one. IMAP4rev2 alone knows that item."""
    if "IMAP4rev2" not in session.enabled or name == supplied:
        return
    entries = await in_store(list_all, account_id=session.account_id)
    session.write(exactly(name, entries, old_name=supplied).response(is_utf8=session.has_utf8_names))
