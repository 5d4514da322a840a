"""What a session hears of its selected mailbox beyond the answers to its own commands (RFC 5465 section 6.1)."""

from collections.abc import Iterable
from dataclasses import dataclass

from mailhost.protocols.imap.fetch_items import Attribute, FetchItem
from mailhost.protocols.imap.mailbox_filters import FilterKind
from mailhost.protocols.imap.notify import Event, EventGroup


@dataclass(frozen=True, slots=True)
class Hearing:
    """Messages that come and go, one with the other; flags; items of each new message."""

    messages: bool = True
    flags: bool = True
    expunges_at_any_time: bool = False
    items: tuple[FetchItem, ...] = ()


EVERYTHING = Hearing()  # until NOTIFY is used: while a command runs
NOTHING = Hearing(messages=False, flags=False)


def hearing_of(groups: Iterable[EventGroup]) -> Hearing:
    """Section 3.1: without a group for the selected mailbox nothing is told of its messages."""
    for group in groups:
        if group.is_of_selected:
            items = group.items
            if items and Attribute.UID not in items:
                items = (Attribute.UID, *items)
            return Hearing(
                messages=Event.MESSAGE_NEW in group.events,
                flags=Event.FLAG_CHANGE in group.events,
                expunges_at_any_time=group.mailboxes.kind is FilterKind.SELECTED,
                items=items,
            )
    return NOTHING
