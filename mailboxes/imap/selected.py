"""A selected mailbox as one session knows it: what it was told, and what it still has to be told (RFC 7162).

RFC 3501 section 7.4.1: sequence numbers move only when EXPUNGE is told, and EXPUNGE may not be told while FETCH,
STORE or SEARCH run. So vanished messages stay in the session's view until they may be told; the store goes on
serving them. The view is loaded when a command first needs it: SELECT alone reads the mailbox's row.
"""

from array import array
from collections.abc import Sequence, Set
from heapq import merge
from itertools import chain

from mailboxes.exceptions import MailboxNotFound
from mailboxes.imap.contexts import Answer, Contexts
from mailboxes.imap.flags import flags_permitted
from mailboxes.imap.hearing import EVERYTHING
from mailboxes.imap.read_ahead import ReadAhead
from mailboxes.imap.refusals import Refused
from mailboxes.imap.view import MailboxView, SharedViews, picked
from mailboxes.store.changes import changes_since
from mailboxes.store.grants import WRITING
from mailboxes.store.select import load_view
from mailboxes.store.values import ChangedRows, Changes, MailboxEntry, Stored, View
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.responses import untagged
from mailhost.protocols.imap.resync import runs, vanished

NO_UID = 1 << 40  # above all that there are


class MailboxGone(Exception):
    """The selected mailbox was deleted by another session, or is no longer shared with this account."""


class Selected:
    """One mailbox, selected. `modseq` and `uid_next` say up to where changes are known."""

    def __init__(
        self,
        entry: MailboxEntry,
        *,
        first_recent_uid: int,
        recent_count: int,
        is_read_only: bool,
        shared: SharedViews,
        modes: Set[str] = frozenset(),
        visitor_id: int | None = None,
    ) -> None:
        self.mailbox_id = entry.mailbox_id
        self.name = entry.name
        self.uid_validity = entry.uid_validity
        self.owner_id = entry.account_id
        self.visitor_id = visitor_id  # the account, where the mailbox is another's
        self.rights = (
            entry.rights
        )  # of the account, as far as is known here; the store looks again when it writes
        self._is_examined = is_read_only
        self._has_untold_rights = False
        self._first_recent_uid = first_recent_uid
        self.modseq = entry.highest_modseq
        self.told_modseq = entry.highest_modseq  # up to here the client has heard everything
        self.uid_next = entry.uid_next
        self.count = entry.message_count  # what EXISTS last said, or will say next
        self.recent_count = recent_count
        self.is_stale = True  # changes may have come that we have not looked at
        self.ahead = ReadAhead()
        self.contexts = Contexts()  # searches that are kept up to date (RFC 5267)
        self.saved: array[int] = array("I")  # UIDs, ascending: what `$` means (RFC 5182)
        self.hearing = EVERYTHING  # what of all this the client wants to be told
        self.arrivals: list[int] = []  # UIDs of new messages, whose items are to be told
        self.own_arrivals: set[int] = set()  # those that this session's own commands brought
        self._shared = shared
        self._modes = modes  # the session's, which grow
        self._view = shared.find(entry.mailbox_id, entry.highest_modseq)
        self._vanished: set[int] = set()  # known to be gone, still in the view
        self._untold_flags: set[int] = set()  # UIDs
        self._has_untold_arrivals = False
        self.has_told_recent = False  # arrivals were told that the mailbox's row still calls \Recent

    async def view(self) -> MailboxView:
        """The arrays, loaded as of what this session knows."""
        if self._view is None:
            try:
                loaded, since = await in_store(_load, self.mailbox_id, self.modseq, self.uid_next)
            except MailboxNotFound as error:
                raise MailboxGone(self.name) from error
            self._view = _as_of(loaded, since, self.uid_next, self.modseq)
            if since is None:
                self._view = self._shared.share(self.mailbox_id, self.modseq, self._view)
            else:
                # Whoever was told flags before (by an earlier session of this client) hears what they are now.
                self._untold_flags.update(uid for uid in since.changed.uids if uid < self.uid_next)
            # The row's count and the rows agree; where they ever did not, the rows are what can be fetched.
            self._has_untold_arrivals |= self.count != len(self._view.uids)
            self.count = len(self._view.uids)
        return self._view

    @property
    def is_behind(self) -> bool:
        """Whether there may be something to be told that was not looked at."""
        return self.is_stale and self.hearing.messages

    @property
    def is_read_only(self) -> bool:
        """EXAMINE, or none of the rights of RFC 4314 section 5.2."""
        return self._is_examined or WRITING.isdisjoint(self.rights)

    # --- what comes in ---------------------------------------------------------------------------------------

    async def sync(self) -> None:
        """Learn what changed since; telling it is another matter. Raises MailboxGone, StoreUnavailable.

        Where the client hears of no messages, the mailbox stays as it was for this session: what it was not told of
        has no number. It is told when the client asks again.
        """
        if not self.hearing.messages and self.visitor_id is None:
            return
        self.is_stale = False
        try:
            changes = await in_store(
                changes_since,
                mailbox_id=self.mailbox_id,
                modseq=self.modseq,
                uid_next=self.uid_next,
                visitor_id=self.visitor_id,
            )
            if changes.is_deleted:
                raise MailboxGone(self.name)
            self._has_untold_rights |= changes.rights != self.rights
            self.rights = changes.rights
            if changes.highest_modseq <= self.modseq:
                return
            if not self.hearing.messages:
                self.is_stale = True
                return
            arrivals = [uid for uid in changes.changed.uids if uid >= self.uid_next]
            if len(arrivals) != len(changes.changed) or changes.vanished:
                await self.view()
        except BaseException:
            self.is_stale = True
            raise
        self._take(changes, arrivals)

    async def look_at_rights(self) -> None:
        """In another's mailbox, before a command: a change of rights is announced as any other change is.

        A mailbox of one's own costs nothing here, and one of others nothing while nothing happens in it.
        """
        if self.visitor_id is not None and self.is_stale:
            await self.sync()

    def _take(self, changes: Changes, arrivals: list[int]) -> None:
        if self._view is not None:
            vanished_uids = [uid for uid in changes.vanished if uid < self.uid_next]
            self._vanished.update(self._known(vanished_uids))
            self.take_flags(changes.changed)
            if not self._vanished:
                self._view = self._shared.share(self.mailbox_id, changes.highest_modseq, self._view)
        self.modseq = changes.highest_modseq
        self.uid_next = max(self.uid_next, changes.uid_next)
        self.count += len(arrivals)
        self.recent_count += sum(uid >= self.first_recent_uid for uid in arrivals)
        self._has_untold_arrivals |= bool(arrivals)
        if self.hearing.items:
            self.arrivals += [uid for uid in arrivals if uid not in self.own_arrivals]
            self.own_arrivals.difference_update(arrivals)

    def take_flags(self, rows: ChangedRows) -> None:
        """Flags that others changed, and arrivals: still to be told."""
        assert self._view is not None
        self._view, differing = self._view.with_changes(rows, counts_modseqs="CONDSTORE" in self._modes)
        self._touch(rows)
        self._untold_flags.update(picked(self._view.uids, differing))

    def take_own_flags(self, stored: Stored) -> None:
        """Flags that this session's own command changed: the command tells them, or was asked not to."""
        assert self._view is not None
        self._view, _ = self._view.with_changes(stored.changed)
        self._touch(stored.changed)
        if stored.changed:  # otherwise the modseq is that of somebody else's change
            self._advance(stored.modseq)

    def take_own_vanished(self, uids: Sequence[int], modseq: int) -> None:
        """Messages that this session's own command expunged or moved away; their UIDs ascend."""
        known = self._known(uids)
        if uids and len(known) == len(uids):  # arrivals among them are yet to be heard of as changes
            self._advance(modseq)
        self._vanished.update(known)

    def _known(self, uids: Sequence[int]) -> list[int]:
        """Those of these ascending UIDs that are in the view."""
        assert self._view is not None
        return [uid for uid, place in zip(uids, self._view.places(uids), strict=True) if place >= 0]

    def _touch(self, rows: ChangedRows) -> None:
        if self.contexts and self._view is not None:
            self.contexts.touch(self._known(rows.uids))

    def _advance(self, modseq: int) -> None:
        """Our own change came right behind what we knew: nothing of others lies between, nothing is to be read.

        Otherwise what lies between is told before this command's reply: a client counts from what it saw.
        """
        if modseq == self.modseq + 1:
            self.modseq = modseq
        else:
            self.is_stale = True

    # --- what goes out ---------------------------------------------------------------------------------------

    def tell(self, *, may_tell_expunges: bool, answers: Sequence[Answer] = ()) -> bytes:
        """The untagged responses that bring the client up to what this session knows.

        `answers` are what the searches that are kept up to date found among the messages that changed.
        """
        told: list[bytes] = []
        if self._has_untold_rights:  # RFC 4314 section 5.1.1
            self._has_untold_rights = False
            told.append(flags_permitted(self.rights, is_read_only=self.is_read_only))
        if self._vanished and may_tell_expunges:
            assert self._view is not None
            uids = sorted(self._vanished)
            if self.contexts:
                told.append(self.contexts.tell_vanished(self._view, uids))
            self._view, gone = self._view.without(uids)
            self._untold_flags -= self._vanished
            self._vanished.clear()
            # From the last to the first, so that no number has moved when it is told.
            # RFC 7162 section 3.2.10, RFC 9586 section 3.6: VANISHED takes the place of EXPUNGE until the session ends.
            if not self._modes.isdisjoint({"QRESYNC", "UIDONLY"}):
                told.extend(vanished(runs(uids)))
            else:
                told.append(b"".join(b"* %d EXPUNGE\r\n" % (position + 1) for position in reversed(gone)))
            self.count -= len(gone)
            recent_count = self._view.count_from(self.first_recent_uid)
            if recent_count != self.recent_count:
                self.recent_count = recent_count
                told.append(self._recent())
        if self._has_untold_arrivals:
            self._has_untold_arrivals = False
            self.has_told_recent |= not self._is_rev2
            told.append(untagged(f"{self.count} EXISTS") + self._recent())
        # Who re-syncs from the highest MODSEQ that it saw must have heard of all that vanished before.
        must_wait = bool(self._vanished) and "QRESYNC" in self._modes
        if self._untold_flags and self.hearing.flags and not must_wait:
            assert self._view is not None
            positions = self.places(sorted(self._untold_flags))
            told.append(self.flags_responses(positions, with_uid=True))
            self._untold_flags.clear()
        if answers:
            assert self._view is not None
            told.append(self.contexts.tell(self._view, answers))
        if not self._vanished and not self._untold_flags:
            self.told_modseq = self.modseq
        return b"".join(told)

    def flags_responses(self, positions: Sequence[int], *, with_uid: bool, with_flags: bool = True) -> bytes:
        """`* n FETCH (FLAGS (…))` for each; the client has been told then.

        Once the session knows of mod-sequences, each tells its own (RFC 7162 section 3.1); without `with_flags`
        that alone is told, as STORE's .SILENT asks.
        """
        assert self._view is not None
        items: list[bytes] = []
        columns: list[Sequence[int | bytes]] = [self.numbers(positions)]
        if (with_uid or "QRESYNC" in self._modes) and not self.tells_uids_only:
            items.append(b"UID %d")
            columns.append(picked(self._view.uids, positions))
        words = self.flags_column(positions)
        if with_flags:
            items.append(b"FLAGS (%b)")
            columns.append(words)
        if "CONDSTORE" in self._modes:
            items.append(b"MODSEQ (%d)")
            columns.append(self.modseq_column(positions))
        template = self.fetch_head + b" ".join(items) + b")\r\n"
        # Formatted as one: half as long as line by line.
        return (template * len(positions)) % tuple(chain.from_iterable(zip(*columns, strict=True)))

    def _recent(self) -> bytes:
        """`* n RECENT`, which IMAP4rev2 does not have (RFC 9051 appendix E)."""
        return b"" if self._is_rev2 else untagged(f"{self.recent_count} RECENT")

    @property
    def _is_rev2(self) -> bool:
        return "IMAP4rev2" in self._modes

    @property
    def first_recent_uid(self) -> int:
        """Messages from here on are \\Recent; in IMAP4rev2 none is."""
        return NO_UID if self._is_rev2 else self._first_recent_uid

    @property
    def tells_uids_only(self) -> bool:
        """Whether no sequence number is told any more (RFC 9586)."""
        return "UIDONLY" in self._modes

    @property
    def fetch_head(self) -> bytes:
        """How the untagged responses begin that tell of one message, for what `numbers` gives."""
        return b"* %d UIDFETCH (" if self.tells_uids_only else b"* %d FETCH ("

    def numbers(self, positions: Sequence[int]) -> Sequence[int]:
        """What messages are called in untagged responses."""
        if self.tells_uids_only:
            assert self._view is not None
            return picked(self._view.uids, positions)
        if isinstance(positions, range):
            return range(positions.start + 1, positions.stop + 1)
        return [position + 1 for position in positions]

    @property
    def tells_modseqs(self) -> bool:
        """Whether a CONDSTORE enabling command was given (RFC 7162 section 3.1)."""
        return "CONDSTORE" in self._modes

    def uid_at(self, position: int) -> int:
        """In a view that is loaded."""
        assert self._view is not None
        return self._view.uids[position]

    def places(self, uids: Sequence[int]) -> Sequence[int]:
        """The positions of those of these ascending UIDs that are in the view, which is loaded."""
        assert self._view is not None
        found = self._view.places(uids)
        return found if isinstance(found, range) else [place for place in found if place >= 0]

    def modseq_column(self, positions: Sequence[int]) -> Sequence[int]:
        """The mod-sequences that belong to what `flags_column` tells."""
        assert self._view is not None
        return picked(self._view.modseqs, positions)

    def flags_column(self, positions: Sequence[int]) -> list[bytes]:
        """What FLAGS holds of each message; the client is told now."""
        view, first_recent_uid = self._view, self.first_recent_uid
        assert view is not None
        if self._untold_flags:
            self._untold_flags.difference_update(picked(view.uids, positions))
        return view.flags_texts(positions, first_recent_uid)

    def refuse_if_read_only(self) -> None:
        if self.is_read_only:
            raise Refused("The mailbox is selected read-only.")


def _load(mailbox_id: int, modseq: int, uid_next: int) -> tuple[View, Changes | None]:
    """The arrays as they are now, and what happened since `modseq` unless nothing did."""
    loaded = load_view(mailbox_id=mailbox_id)
    if loaded.highest_modseq == modseq:
        return loaded, None
    return loaded, changes_since(mailbox_id=mailbox_id, modseq=modseq, uid_next=uid_next)


def _as_of(loaded: View, since: Changes | None, uid_next: int, modseq: int) -> MailboxView:
    """The messages that were there at the session's own moment.

    Everything below its `uid_next` that is there now, and everything that has vanished since: RFC 3501 wants the
    sequence numbers of that moment. Flags are newer, which only tells the client sooner; their mod-sequences are not,
    because who counts from them has not heard of what vanished before. The next look brings the right ones.
    """
    if since is None:
        return MailboxView(loaded.uids, loaded.flags, loaded.modseqs, loaded.keywords)
    flags = dict(zip(loaded.uids, loaded.flags, strict=True))
    modseqs = dict(zip(loaded.uids, loaded.modseqs, strict=True))
    there = (uid for uid in loaded.uids if uid < uid_next)
    gone = sorted(uid for uid in since.vanished if uid < uid_next and uid not in flags)
    uids = array(loaded.uids.typecode, merge(there, gone))
    return MailboxView(
        uids,
        array(loaded.flags.typecode, (flags.get(uid, 0) for uid in uids)),
        array(loaded.modseqs.typecode, (min(modseqs.get(uid, 1), modseq) for uid in uids)),
        dict(loaded.keywords),
    )
