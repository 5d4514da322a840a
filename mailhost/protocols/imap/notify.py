"""NOTIFY: which events of which mailboxes a client wants to hear of, whenever they happen (RFC 5465 section 8)."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from mailhost.protocols.imap.commands import Command
from mailhost.protocols.imap.cursor import Cursor
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.fetch_items import MAX_ITEMS, FetchItem, take_fetch_item
from mailhost.protocols.imap.mailbox_filters import (
    MAX_FILTERS,
    FilterKind,
    MailboxFilter,
    take_mailbox_filter,
)

MAX_EVENTS = 50  # of one group; there are seven


class Event(Enum):
    """Those that we can tell, in the words of section 8."""

    MESSAGE_NEW = "MessageNew"
    MESSAGE_EXPUNGE = "MessageExpunge"
    FLAG_CHANGE = "FlagChange"
    MAILBOX_NAME = "MailboxName"
    SUBSCRIPTION_CHANGE = "SubscriptionChange"
    MAILBOX_METADATA_CHANGE = "MailboxMetadataChange"
    SERVER_METADATA_CHANGE = "ServerMetadataChange"


_EVENTS = {event.value.upper(): event for event in Event}
COMING_AND_GOING = frozenset({Event.MESSAGE_NEW, Event.MESSAGE_EXPUNGE})
MESSAGE_EVENTS = COMING_AND_GOING | {Event.FLAG_CHANGE}
SELECTED_KINDS = frozenset({FilterKind.SELECTED, FilterKind.SELECTED_DELAYED})
# The text of the response code to an event that we do not know, or know as AnnotationChange.
BADEVENT = f"BADEVENT ({' '.join(event.value for event in Event)})"


@dataclass(frozen=True, slots=True)
class EventGroup:
    """Events of the mailboxes that a filter means; none are NONE. Of each new message the items are told."""

    mailboxes: MailboxFilter
    events: frozenset[Event] = frozenset()
    items: tuple[FetchItem, ...] = ()
    has_unsupported: bool = False

    @property
    def is_of_selected(self) -> bool:
        """Whether it is about the selected mailbox, whichever that is."""
        return self.mailboxes.kind in SELECTED_KINDS


@dataclass(frozen=True, slots=True)
class Notify(Command):
    """Section 3.1. NOTIFY NONE has no groups."""

    extension = "NOTIFY"

    groups: tuple[EventGroup, ...] = ()
    with_status: bool = False

    @property
    def has_unsupported(self) -> bool:
        """Whether it has to be refused with BADEVENT."""
        return any(group.has_unsupported for group in self.groups)


def take_notify(cursor: Cursor) -> Notify:
    """ "NOTIFY" SP ("SET" [SP "STATUS"] SP event-group *(SP event-group) / "NONE")."""
    cursor.space()
    verb = cursor.word("SET or NONE")
    if verb == "NONE":
        return Notify()
    if verb != "SET":
        raise ImapSyntaxError("expected SET or NONE")
    cursor.space()
    with_status = False
    if not cursor.comes(b"("):
        if cursor.word("STATUS or a group of events") != "STATUS":
            raise ImapSyntaxError("expected STATUS or a group of events")
        with_status = True
        cursor.space()
    groups = [_take_group(cursor)]
    while cursor.comes(b" ("):
        cursor.space()
        groups.append(_take_group(cursor))
        if len(groups) > MAX_FILTERS:
            raise ImapSyntaxError("too many groups of events")
    if sum(group.is_of_selected for group in groups) > 1:
        raise ImapSyntaxError("the selected mailbox can be meant once (RFC 5465 section 6.1)")
    return Notify(tuple(groups), with_status)


def _take_group(cursor: Cursor) -> EventGroup:
    """event-group = "(" filter-mailboxes SP events ")"."""
    cursor.expect(b"(")
    mailboxes = take_mailbox_filter(cursor)
    if mailboxes.kind is FilterKind.SUBTREE_ONE:  # that is RFC 7377's alone
        raise ImapSyntaxError("SUBTREE-ONE does not say which mailboxes are to be watched")
    cursor.space()
    group = _take_events(cursor, mailboxes)
    cursor.expect(b")")
    _refuse_odd(group)
    return group


def _take_events(cursor: Cursor, mailboxes: MailboxFilter) -> EventGroup:
    """events = ("(" event *(SP event) ")") / "NONE"."""
    if not cursor.comes(b"("):
        if cursor.word("events") != "NONE":
            raise ImapSyntaxError("expected events in parentheses, or NONE")
        return EventGroup(mailboxes)
    items: list[FetchItem] = []

    def take_event(inner: Cursor) -> Event | None:
        """event = message-event / mailbox-event / user-event / event-ext; None: none of ours."""
        event = _EVENTS.get(inner.word("an event"))
        if event is Event.MESSAGE_NEW and inner.comes(b" ("):
            inner.space()
            items.extend(inner.parenthesised(take_fetch_item, "a FETCH item"))
        return event

    events = cursor.parenthesised(take_event, "an event")
    if len(events) > MAX_EVENTS or len(items) > MAX_ITEMS:
        raise ImapSyntaxError("too many events or FETCH items")
    known = frozenset(event for event in events if event is not None)
    return EventGroup(mailboxes, known, tuple(dict.fromkeys(items)), None in events)


def _refuse_odd(group: EventGroup) -> None:
    """Section 5: what comes together or not at all; section 8: what goes with the selected mailbox alone."""
    if group.items and not group.is_of_selected:
        raise ImapSyntaxError("FETCH items are told of new messages in the selected mailbox alone")
    if group.is_of_selected and not group.events <= MESSAGE_EVENTS:
        raise ImapSyntaxError("of the selected mailbox only events of messages are told")
    if group.has_unsupported:  # section 3.1: a NO, not a BAD, for what we cannot judge
        return
    if group.events & MESSAGE_EVENTS and not group.events >= COMING_AND_GOING:
        raise ImapSyntaxError("MessageNew and MessageExpunge come together, and before FlagChange")


PARSERS: dict[str, Callable[[Cursor], Command]] = {"NOTIFY": take_notify}
