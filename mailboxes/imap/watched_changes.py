"""What a session is told of mailboxes that it has not selected: what is, against what it knew (RFC 5465 section 5)."""

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field, replace

from mailboxes.imap.listing import Asked, Listing
from mailboxes.imap.mailbox_status import Figures, status_response
from mailboxes.imap.watched import NEEDED, Interests, Known, renamed
from mailboxes.store.mailbox_names import SEPARATOR
from mailboxes.store.rights import PREFIX
from mailboxes.store.values import MailboxEntry
from mailhost.protocols.imap.notify import COMING_AND_GOING, Event


@dataclass(frozen=True, slots=True)
class Listener:
    """How this client is told things, and what it knows of because it did it itself (section 5)."""

    is_utf8: bool
    tells_modseqs: bool
    switched_off: Set[str] = frozenset()
    selected_id: int | None = None
    own_names: Set[str] = frozenset()
    own_trees: Collection[str] = ()
    own_targets: Mapping[str, int] = field(default_factory=dict)  # how many messages it put there

    def did(self, name: str) -> bool:
        """Whether its own command changed what is called so."""
        return name in self.own_names or any(
            (name + SEPARATOR).startswith(tree + SEPARATOR) for tree in self.own_trees
        )

    def did_all(self, before: MailboxEntry, entry: MailboxEntry) -> bool:
        """Whether nothing but messages of its own came in between."""
        own = self.own_targets.get(entry.name, 0)
        came = (entry.uid_next - before.uid_next, entry.message_count - before.message_count)
        return own > 0 and came == (own, own) and entry.highest_modseq == before.highest_modseq + 1

    def status(self, entry: MailboxEntry, items: Iterable[str]) -> bytes:
        return status_response(entry, tuple(items), Figures(), is_utf8=self.is_utf8)


def first_status(entry: MailboxEntry, events: Set[Event], listener: Listener) -> bytes:
    """Section 3.1: what NOTIFY SET STATUS tells of a mailbox whose messages are watched."""
    items = ["MESSAGES", "UIDNEXT", "UIDVALIDITY"]
    if Event.FLAG_CHANGE in events:
        items.append("UNSEEN")
        if "CONDSTORE" not in listener.switched_off:
            items.append("HIGHESTMODSEQ")
    elif listener.tells_modseqs:
        items.append("HIGHESTMODSEQ")
    return listener.status(entry, items)


def status_change(
    before: MailboxEntry | None, entry: MailboxEntry, events: Set[Event], listener: Listener
) -> bytes:
    """STATUS where messages came or went, or flags changed (sections 5.1 to 5.3); of a new mailbox if it has some."""
    if entry.mailbox_id == listener.selected_id or not events & COMING_AND_GOING:
        return b""
    if before is None:
        if entry.uid_next == 1 or listener.did(entry.name):
            return b""
        return first_status(entry, events, listener)
    if before.highest_modseq == entry.highest_modseq:
        return b""
    if listener.did_all(before, entry):
        return b""
    items: list[str] = []
    if (before.uid_next, before.message_count) != (entry.uid_next, entry.message_count):
        items += ["UIDNEXT", "MESSAGES"]
    if Event.FLAG_CHANGE in events:
        if before.unseen_count != entry.unseen_count:
            items += ["UNSEEN", "UIDVALIDITY"]
        elif not items and listener.tells_modseqs:
            items.append("UIDVALIDITY")
    if items and listener.tells_modseqs:
        items.append("HIGHESTMODSEQ")
    return listener.status(entry, items) if items else b""


@dataclass(slots=True)
class Comparison:
    """Two moments of an account's mailboxes, and who listens."""

    before: Known
    now: Known
    entries: Collection[MailboxEntry]
    interests: Interests
    listener: Listener
    _names: dict[str, str] = field(default_factory=dict)  # to be told, with their old names
    _lost: set[str] = field(default_factory=set)  # names of mailboxes that were there before
    _living: dict[str, int] = field(init=False)
    _subscribed: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self._living = {entry.name: entry.mailbox_id for entry in self.entries if entry.exists}
        self._subscribed = {entry.name for entry in self.entries if entry.is_subscribed}

    def told(self) -> bytes:
        """All responses: LIST first, so that names are known when figures are told."""
        self._note_names()
        self._note_subscriptions()
        self._note_rights()
        return b"".join([*self._lists(), *self._statuses()])

    def _wants(self, event: Event, name: str) -> bool:
        is_subscribed = name in self.before.subscribed or name in self._subscribed
        return event in self.interests.of(name, is_subscribed=is_subscribed)

    def _note(self, name: str, old_name: str = "") -> None:
        if not self.listener.did(name):
            self._names.setdefault(name, old_name)

    def _note_names(self) -> None:
        """Section 5.4: the mailbox, and the one directly above it, whether that is there or not."""
        before, now = self.before.names, self.now.names
        for new, old in renamed(before, now).items():
            if self._wants(Event.MAILBOX_NAME, new) or self._wants(Event.MAILBOX_NAME, old):
                self._note(new, old)
        came = [now[each] for each in now.keys() - before.keys()]
        gone = [before[each] for each in before.keys() - now.keys() if before[each] not in self._living]
        self._lost.update(gone)
        for name in [*came, *gone]:
            if self._wants(Event.MAILBOX_NAME, name):
                self._note(name)
            superior = name.rpartition(SEPARATOR)[0]
            if superior and self._wants(Event.MAILBOX_NAME, superior):
                self._note(superior)

    def _note_subscriptions(self) -> None:
        for name in self.before.subscribed ^ self.now.subscribed:
            if self._wants(Event.SUBSCRIPTION_CHANGE, name):
                self._note(name)

    def _note_rights(self) -> None:
        """Section 5.9."""
        for each in self.before.barred.keys() ^ self.now.barred.keys():
            self._note(self.now.barred.get(each) or self.before.barred[each])
        lost = self.before.figures.keys() - self.now.figures.keys() - set(self._living.values())
        for each in lost:
            name = self.before.figures[each].name
            if name.startswith(PREFIX):
                self._lost.add(name)
                self._note(name)

    def _lists(self) -> Iterable[bytes]:
        if not self._names:
            return
        asked = Asked((), returns={"SUBSCRIBED"}, is_extended=True, switched_off=self.listener.switched_off)
        listing = Listing(self.entries, asked)
        for name, old_name in sorted(self._names.items(), key=self._order):
            told = listing.tell(name, old_name=old_name)
            rights = told.entry.rights if told.entry is not None else NEEDED
            is_lost = told.entry is None and name in self._lost and name.startswith(PREFIX)
            if is_lost or any(right not in rights for right in NEEDED):
                told = replace(told, attributes=(*told.attributes, "\\NoAccess"))
            yield told.response(is_utf8=self.listener.is_utf8)

    def _order(self, told: tuple[str, str]) -> tuple[int, int, str]:
        """What is gone goes before the one above it has another name, and what has left it as well."""
        name, old_name = told
        if name not in self._living:
            return 0, 0, name
        return (1, -old_name.count(SEPARATOR), name) if old_name else (2, 0, name)

    def _statuses(self) -> Iterable[bytes]:
        for each, entry in self.now.figures.items():
            events = self.interests.of(entry.name, is_subscribed=entry.is_subscribed)
            yield status_change(self.before.figures.get(each), entry, events, self.listener)
        # While it is selected, the session hears of it otherwise: what it knew before stays what it knew.
        selected_id = self.listener.selected_id
        if selected_id in self.before.figures and selected_id in self.now.figures:
            self.now.figures[selected_id] = self.before.figures[selected_id]


def no_access(known: Known, entries: Collection[MailboxEntry], listener: Listener) -> bytes:
    """Section 3.1: what NOTIFY SET tells of mailboxes that it is to watch and may not read."""
    comparison = Comparison(Known(), Known(barred=known.barred), entries, Interests(()), listener)
    return comparison.told()


def metadata_changes(
    before: Mapping[tuple[int, str], str], now: Mapping[tuple[int, str], str]
) -> dict[int, list[str]]:
    """By mailbox (0: the server), the entries whose value is another; those that are gone too (sections 5.6, 5.7)."""
    changed: dict[int, list[str]] = {}
    for each in sorted(before.keys() | now.keys()):
        if before.get(each) != now.get(each):
            changed.setdefault(each[0], []).append(each[1])
    return changed
