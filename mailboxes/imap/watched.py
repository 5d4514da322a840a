"""Which mailboxes a NOTIFY watches for what, and what its session last knew of them (RFC 5465 section 6)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from mailboxes.exceptions import MailboxNameInvalid
from mailboxes.store.mailbox_names import INBOX, SEPARATOR, canonical_name
from mailboxes.store.rights import PREFIX
from mailboxes.store.values import MailboxEntry
from mailhost.protocols.imap.mailbox_filters import FilterKind
from mailhost.protocols.imap.notify import MESSAGE_EVENTS, Event, EventGroup

NONE: frozenset[Event] = frozenset()
NEEDED = "lr"  # section 5


class Interests:
    """The groups but those for the selected mailbox, ordered so that one name costs its own length."""

    def __init__(self, groups: Iterable[EventGroup]) -> None:
        self._by_kind: dict[FilterKind, frozenset[Event]] = defaultdict(frozenset)
        self._by_name: dict[str, frozenset[Event]] = defaultdict(frozenset)
        self._by_superior: dict[str, frozenset[Event]] = defaultdict(frozenset)
        self.all: frozenset[Event] = frozenset()
        for group in groups:
            if group.is_of_selected or not group.events:
                continue
            self.all |= group.events
            kind = group.mailboxes.kind
            if kind not in {FilterKind.MAILBOXES, FilterKind.SUBTREE}:
                self._by_kind[kind] |= group.events
                continue
            by_name = self._by_name if kind is FilterKind.MAILBOXES else self._by_superior
            for name in group.mailboxes.names:
                try:
                    by_name[canonical_name(name)] |= group.events
                except MailboxNameInvalid:  # section 3.1: what is no mailbox is passed over
                    continue

    def of(self, name: str, *, is_subscribed: bool) -> frozenset[Event]:
        """What is asked for of a mailbox of this name, whether there is one or not."""
        events = self._by_name.get(name, NONE)
        if is_subscribed:
            events |= self._by_kind.get(FilterKind.SUBSCRIBED, NONE)
        if not name.startswith(PREFIX):
            events |= self._by_kind.get(FilterKind.PERSONAL, NONE)
            if name == INBOX:  # section 6.3: where delivery puts what comes
                events |= self._by_kind.get(FilterKind.INBOXES, NONE)
        if self._by_superior:
            end = len(name)
            while end > 0:
                events |= self._by_superior.get(name[:end], NONE)
                end = name.rfind(SEPARATOR, 0, end)
        return events

    @property
    def follows_subscriptions(self) -> bool:
        """Whether a mailbox can come to be watched that was there before."""
        return Event.MAILBOX_NAME in self._by_kind.get(FilterKind.SUBSCRIBED, NONE)


@dataclass(slots=True)
class Known:
    """What the session knew when it last looked; only what somebody asked for is kept."""

    names: dict[int, str] = field(default_factory=dict)  # of MailboxName
    subscribed: set[str] = field(default_factory=set)  # of SubscriptionChange
    figures: dict[int, MailboxEntry] = field(default_factory=dict)  # of events of messages
    barred: dict[int, str] = field(default_factory=dict)  # watched in vain: a right is missing
    values: dict[tuple[int, str], str] = field(default_factory=dict)  # of metadata events: digests

    @property
    def size(self) -> int:
        """How many mailboxes are watched."""
        return max(len(self.names), len(self.subscribed), len(self.figures) + len(self.barred))


def known_of(entries: Iterable[MailboxEntry], interests: Interests) -> Known:
    """What is to be remembered of the account's mailboxes."""
    known = Known()
    for entry in entries:
        events = interests.of(entry.name, is_subscribed=entry.is_subscribed)
        if entry.is_subscribed and Event.SUBSCRIPTION_CHANGE in interests.all:
            known.subscribed.add(entry.name)
        if not entry.exists:
            continue
        if Event.MAILBOX_NAME in events or interests.follows_subscriptions:
            known.names[entry.mailbox_id] = entry.name
        if not events:
            continue
        if any(right not in entry.rights for right in NEEDED):
            known.barred[entry.mailbox_id] = entry.name
        elif events & MESSAGE_EVENTS:
            known.figures[entry.mailbox_id] = entry
    return known


def as_heard(entry: MailboxEntry, *, uid_next: int, count: int, modseq: int) -> MailboxEntry:
    """The entry as a client knows it that had the mailbox selected until now."""
    return replace(entry, uid_next=uid_next, message_count=count, highest_modseq=modseq)


def superiors(name: str) -> list[str]:
    """The name and those above it."""
    levels = name.split(SEPARATOR)
    return [SEPARATOR.join(levels[:depth]) for depth in range(1, len(levels) + 1)]


def renamed(before: Mapping[int, str], now: Mapping[int, str]) -> dict[str, str]:
    """New names with their old ones; not of those that were renamed along with one above them (section 5.4)."""
    pairs = {now[each]: old for each, old in before.items() if each in now and now[each] != old}

    def goes_along(new: str, old: str) -> bool:
        while True:
            new, _, last = new.rpartition(SEPARATOR)
            old, _, old_last = old.rpartition(SEPARATOR)
            if not new or not old or last != old_last:
                return False
            if pairs.get(new) == old:
                return True

    return {new: old for new, old in pairs.items() if not goes_along(new, old)}
