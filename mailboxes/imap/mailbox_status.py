"""STATUS responses, for STATUS itself and for LIST (RFC 3501 section 7.2.4, RFC 5819)."""

from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass, field

from django.conf import settings

from mailboxes.store.figures import deleted_octets, recent_counts
from mailboxes.store.values import MailboxEntry
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.names import write_name
from mailhost.protocols.imap.object_ids import mailbox_object_id

# Items that come with a capability, and are unknown where that is switched off.
EXTENSIONS = {
    "APPENDLIMIT": "APPENDLIMIT",
    "DELETED": "QUOTA=RES-MESSAGE",
    "DELETED-STORAGE": "QUOTA=RES-STORAGE",
    "HIGHESTMODSEQ": "CONDSTORE",
    "MAILBOXID": "OBJECTID",
    "SIZE": "STATUS=SIZE",
}


def refuse_unknown(items: Collection[str], switched_off: Set[str]) -> None:
    """Raises ImapSyntaxError for an item whose capability is switched off."""
    for item in items:
        if EXTENSIONS.get(item) in switched_off:
            raise ImapSyntaxError(f"{item} is not a STATUS item")


@dataclass(frozen=True, slots=True)
class Figures:
    """What the rows do not hold, by mailbox id."""

    recent: dict[int, int] = field(default_factory=dict)
    deleted_octets: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Collection[MailboxEntry], items: Collection[str]) -> "Figures":
        """One statement for each item that needs one."""
        return cls(
            recent_counts(entries) if "RECENT" in items else {},
            deleted_octets(entries) if "DELETED-STORAGE" in items else {},
        )


def status_response(entry: MailboxEntry, items: Sequence[str], figures: Figures, *, is_utf8: bool) -> bytes:
    """`* STATUS name (…)`, in the order asked for."""
    values = {
        "APPENDLIMIT": settings.MAX_MESSAGE_OCTETS,  # RFC 7889 section 3.2
        "DELETED": entry.deleted_count,
        "DELETED-STORAGE": figures.deleted_octets.get(entry.mailbox_id, 0),
        "HIGHESTMODSEQ": entry.highest_modseq,
        "MAILBOXID": f"({mailbox_object_id(entry.mailbox_id)})",
        "MESSAGES": entry.message_count,
        "RECENT": figures.recent.get(entry.mailbox_id, 0),
        "SIZE": entry.size_octets,
        "UIDNEXT": entry.uid_next,
        "UIDVALIDITY": entry.uid_validity,
        "UNSEEN": entry.unseen_count,
    }
    told = " ".join(f"{item} {values[item]}" for item in items)
    return b"* STATUS %b (%b)\r\n" % (write_name(entry.name, is_utf8=is_utf8), told.encode("ascii"))
