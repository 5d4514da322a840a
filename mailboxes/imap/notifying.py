"""NOTIFY SET as one session has it: what it watches, and telling what is new (RFC 5465).

No task of its own: notices mark what is to be looked at and nudge the connection, and the session looks when it is not
busy. What changed is found by comparing, since notices may be lost and say nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from django.conf import settings
from django.db import DatabaseError

from mailboxes.exceptions import MailboxNotFound
from mailboxes.imap.fetching import Fetching
from mailboxes.imap.hearing import NOTHING, Hearing, hearing_of
from mailboxes.imap.naming import canonical, without_separator
from mailboxes.imap.refusals import Refused
from mailboxes.imap.selected import Selected
from mailboxes.imap.session import Session
from mailboxes.imap.view import position_runs
from mailboxes.imap.watched import Interests, Known, as_heard, known_of, superiors
from mailboxes.imap.watched_changes import (
    Comparison,
    Listener,
    first_status,
    metadata_changes,
    no_access,
    status_change,
)
from mailboxes.store.annotations import digests
from mailboxes.store.rights import list_all
from mailboxes.store.values import MailboxEntry
from mailboxes.store.watching import find_watched
from mailhost.net.announcements import EVERYBODY, Watch
from mailhost.net.database import snapshot
from mailhost.net.store_threads import StoreUnavailable, in_store
from mailhost.protocols.imap import commands as c
from mailhost.protocols.imap.commands import Command
from mailhost.protocols.imap.fetch_items import Attribute
from mailhost.protocols.imap.metadata import SetMetadata, metadata_names_response
from mailhost.protocols.imap.notify import Event, EventGroup
from mailhost.protocols.imap.responses import status_line

OVERFLOW = "NOTIFICATIONOVERFLOW"
TOO_MANY = "Too many mailboxes to watch"
METADATA_EVENTS = frozenset({Event.MAILBOX_METADATA_CHANGE, Event.SERVER_METADATA_CHANGE})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Looked:
    """All of an account's mailboxes, and what is to be remembered of them."""

    entries: Sequence[MailboxEntry]
    known: Known


class Notifying:
    """What one NOTIFY command asked for, until the next one or the end. Without groups: NOTIFY NONE."""

    __slots__ = (
        "_account_watches",
        "_interests",
        "_known",
        "_own_entries",
        "_own_names",
        "_own_targets",
        "_own_trees",
        "_session",
        "_stale",
        "_watches",
        "hearing",
        "is_stale",
    )

    def __init__(self, session: Session, groups: Collection[EventGroup]) -> None:
        self._session = session
        self.hearing: Hearing = hearing_of(groups)
        self._interests = Interests(groups)
        self._known = Known()
        self._account_watches: list[Watch] = []
        self._watches: dict[int, Watch] = {}
        self.is_stale = False  # names, subscriptions, rights or metadata may be others
        self._stale: set[int] = set()  # mailboxes in which something may have happened
        self._own_names: set[str] = set()
        self._own_trees: set[str] = set()
        self._own_targets: dict[str, int] = {}  # messages by mailbox
        self._own_entries: set[tuple[str, str]] = set()

    # --- beginning and end -------------------------------------------------------------------------------------

    async def begin(self, *, with_status: bool) -> bytes:
        """Watch from now on; what NOTIFY SET tells at once. Raises Refused where that is too much."""
        if not self._interests.all:
            return b""
        session = self._session
        watcher = session.host.watcher
        for account_id in (session.account_id, EVERYBODY):  # watch first, look then
            self._account_watches.append(watcher.watch_account(account_id, self._account_changed))
        try:
            looked = await in_store(_look, session.account_id, self._interests)
            if looked.known.size > settings.IMAP_MAX_WATCHED_MAILBOXES:
                raise Refused(f"{TOO_MANY}.", OVERFLOW)
        except BaseException:
            self.close()
            raise
        self._take(looked.known)
        told = [no_access(looked.known, looked.entries, self._listener())]
        if with_status:
            told += self._first_statuses()
        return b"".join(told)

    def _first_statuses(self) -> list[bytes]:
        listener = self._listener()
        return [
            first_status(entry, self._events_of(entry), listener)
            for each, entry in self._known.figures.items()
            if each != listener.selected_id
        ]

    def close(self) -> None:
        """Watch nothing any more."""
        for watch in (*self._account_watches, *self._watches.values()):
            watch.close()
        self._account_watches.clear()
        self._watches.clear()

    def _take(self, known: Known) -> None:
        """Remember, and watch what is to be watched now."""
        self._known = known
        for each in self._watches.keys() - known.figures.keys():
            self._watches.pop(each).close()
            self._stale.discard(each)
        for each in known.figures.keys() - self._watches.keys():
            self._watches[each] = self._session.host.watcher.watch(each, partial(self._mailbox_changed, each))
            self._stale.add(each)  # what happened since it was read was announced to nobody here
        if self._stale:
            self._session.connection.nudge()

    def _overflow(self) -> bytes:
        """Section 5.8: as if NOTIFY NONE had come."""
        self.close()
        self._interests, self._known = Interests(()), Known()
        self.is_stale = False
        self._stale.clear()
        self.hearing = NOTHING
        if self._session.selected is not None:
            self._session.selected.hearing = NOTHING
        return status_line("*", "OK", f"{TOO_MANY}: nothing is told any more.", OVERFLOW)

    # --- what comes in -----------------------------------------------------------------------------------------

    def _account_changed(self) -> None:
        self.is_stale = True
        self._session.connection.nudge()

    def _mailbox_changed(self, mailbox_id: int) -> None:
        self._stale.add(mailbox_id)
        self._session.connection.nudge()

    def left(self, selected: Selected) -> None:
        """The mailbox is watched as others are again, from where its client heard of it last."""
        entry = self._known.figures.get(selected.mailbox_id)
        if entry is not None:
            self._known.figures[selected.mailbox_id] = as_heard(
                entry, uid_next=selected.uid_next, count=selected.count, modseq=selected.told_modseq
            )
            self._stale.add(selected.mailbox_id)
            self._session.connection.nudge()

    def note_own(self, command: Command) -> None:
        """What the client did itself it need not be told (section 5)."""
        match command:
            case c.Create(name=name) | c.Delete(name=name) | c.Subscribe(name=name):
                self._note_names(name)
            case c.Rename(name=name, to=to):
                self._note_names(name, to)
                self._own_trees.update(self._own_names & {*map(_canonical, (name, to))})
            case SetMetadata(name=name, values=values):
                self._own_entries.update((_canonical(name) if name else "", entry) for entry in values)
                self.is_stale |= bool(self._interests.all & METADATA_EVENTS)

    def note_own_arrivals(self, name: str, uids: Collection[int]) -> None:
        """As note_own, for messages, which others may have put there at the same time."""
        name, selected = _canonical(name), self._session.selected
        if selected is not None and selected.name == name:
            if self.hearing.items:
                selected.own_arrivals.update(uids)
            return
        self._own_targets[name] = self._own_targets.get(name, 0) + len(uids)
        self._stale.update(each for each, entry in self._known.figures.items() if entry.name == name)

    def _note_names(self, *names: str) -> None:
        for name in names:
            self._own_names.update(superiors(_canonical(name)))
        self.is_stale |= bool(self._interests.all)

    # --- what goes out -----------------------------------------------------------------------------------------

    @property
    def is_behind(self) -> bool:
        """Whether something is to be looked at."""
        return self.is_stale or bool(self._stale)

    async def tell(self) -> None:
        """Tell what is new in mailboxes that are not selected. While the store is away the next time will do."""
        try:
            told = await self._look() if self.is_behind else b""
        except (StoreUnavailable, DatabaseError) as error:
            log.info("watched mailboxes not looked at", error=str(error))
            return
        for own in (self._own_names, self._own_trees, self._own_entries, self._own_targets):
            own.clear()
        if told:
            await self._session.send(told)

    async def _look(self) -> bytes:
        told = b"" if self.is_stale else await self._look_at_some()
        return told + await self._look_at_all() if self.is_stale else told

    async def _look_at_some(self) -> bytes:
        """Messages came, went, or changed: the rows of those mailboxes say it."""
        stale, listener = set(self._stale), self._listener()
        ids = stale - {listener.selected_id}
        self._stale -= stale
        try:
            found = await in_store(find_watched, account_id=self._session.account_id, mailbox_ids=ids)
        except BaseException:
            self._stale |= stale
            raise
        told = []
        figures = self._known.figures
        for entry in found:
            before = figures.get(entry.mailbox_id)
            if before is None or (before.name, before.rights) != (entry.name, entry.rights):
                continue
            told.append(status_change(before, entry, self._events_of(entry), listener))
            figures[entry.mailbox_id] = entry
            ids.discard(entry.mailbox_id)
        self.is_stale |= bool(ids & figures.keys())  # gone, renamed, or with other rights
        return b"".join(told)

    async def _look_at_all(self) -> bytes:
        self.is_stale = False
        stale = set(self._stale)
        self._stale.clear()
        session, listener = self._session, self._listener()
        try:
            looked, told = await in_store(
                _compare, session.account_id, self._interests, self._known, listener
            )
        except BaseException:
            self.is_stale = True
            self._stale |= stale
            raise
        if looked.known.size > settings.IMAP_MAX_WATCHED_MAILBOXES:
            return self._overflow()
        told += self._metadata(looked)
        self._take(looked.known)
        return told

    def _metadata(self, looked: Looked) -> bytes:
        if not self._interests.all & METADATA_EVENTS:
            return b""
        names = {0: ""} | {each.mailbox_id: each.name for each in _annotated(looked.entries, self._interests)}
        told = []
        for each, changed in metadata_changes(self._known.values, looked.known.values).items():
            name = names.get(each)
            if name is None:
                continue  # gone with its metadata, or nobody asked for it any more
            entries = [entry for entry in changed if (name, entry) not in self._own_entries]
            if entries:
                told.append(metadata_names_response(self._session.wire_name(name), entries))
        return b"".join(told)

    async def tell_new_messages(self, uids: Sequence[int]) -> None:
        """The items that were asked for of new messages in the selected mailbox (section 5.2)."""
        selected = self._session.mailbox
        try:
            await self._fetch(uids)
        except (StoreUnavailable, DatabaseError) as error:
            log.info("new messages not told", error=str(error))
            selected.arrivals = [*uids, *selected.arrivals]  # the next look tells them
            selected.is_stale = True

    async def _fetch(self, uids: Sequence[int]) -> None:
        session, selected = self._session, self._session.mailbox
        view = await selected.view()
        positions = [position for uid in uids if (position := view.position(uid)) is not None]
        items = list(self.hearing.items)
        if selected.tells_uids_only:
            items = [item for item in items if item is not Attribute.UID]
        if selected.tells_modseqs and Attribute.MODSEQ not in items:
            items.append(Attribute.MODSEQ)  # RFC 7162 section 3.1: in all that tell of changes
        if positions and items:
            await Fetching(session, view, tuple(items)).run(list(position_runs(sorted(positions))))

    def _events_of(self, entry: MailboxEntry) -> frozenset[Event]:
        return self._interests.of(entry.name, is_subscribed=entry.is_subscribed)

    def _listener(self) -> Listener:
        session = self._session
        return Listener(
            is_utf8=session.has_utf8_names,
            tells_modseqs="CONDSTORE" in session.enabled,
            switched_off=session.switched_off,
            selected_id=session.selected.mailbox_id if session.selected is not None else None,
            own_names=frozenset(self._own_names),
            own_trees=frozenset(self._own_trees),
            own_targets=dict(self._own_targets),
        )


def _canonical(name: str) -> str:
    try:
        return canonical(without_separator(name))
    except MailboxNotFound:  # no name that anything has
        return name


def _look(account_id: int, interests: Interests) -> Looked:
    """In the store's thread: names may be many."""
    with snapshot():
        entries = list_all(account_id=account_id)
        known = known_of(entries, interests)
        if interests.all & METADATA_EVENTS:
            known.values = digests(account_id=account_id, entries=_annotated(entries, interests))
            if Event.SERVER_METADATA_CHANGE not in interests.all:
                known.values = {each: value for each, value in known.values.items() if each[0]}
    return Looked(entries, known)


def _annotated(entries: Collection[MailboxEntry], interests: Interests) -> list[MailboxEntry]:
    return [
        entry
        for entry in entries
        if entry.exists
        and Event.MAILBOX_METADATA_CHANGE in interests.of(entry.name, is_subscribed=entry.is_subscribed)
    ]


def _compare(
    account_id: int, interests: Interests, before: Known, listener: Listener
) -> tuple[Looked, bytes]:
    looked = _look(account_id, interests)
    return looked, Comparison(before, looked.known, looked.entries, interests, listener).told()
