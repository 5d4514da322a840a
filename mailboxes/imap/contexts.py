"""Searches that are kept up to date: RETURN (UPDATE) (RFC 5267 section 4.3).

What a context found is kept as UIDs. After a change only the messages that changed are searched again, and, where
the key asks about nothing that can change, only those that arrived.
"""

import asyncio
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mailboxes.imap.view import MailboxView
from mailboxes.store.search import reads_messages
from mailboxes.store.search import search as search_messages
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.contexts import update_data
from mailhost.protocols.imap.search_keys import (
    AgeIs,
    And,
    HasFlag,
    HasKeyword,
    InternalMomentIs,
    ModseqIs,
    Not,
    Nothing,
    SearchKey,
    Uids,
    any_leaf,
    with_leaves,
)
from mailhost.protocols.imap.search_responses import esearch_response

MAX_CONTEXTS = 10  # of a session; RFC 5267 section 4.3.1 asks for one at least
MAX_FOUND = 1_000_000  # messages of all of them together: 4 MB


@dataclass(slots=True)
class Context:
    """One search. Its key is resolved but for OLDER and YOUNGER, which mean another moment each time."""

    tag: str
    key: SearchKey
    by_uid: bool
    found: "array[int]"  # UIDs, ascending
    known_below: int  # arrivals have this UID or a higher one
    is_mutable: bool
    mailbox: bytes = b""  # in wire form, where the response names it (RFC 7377)
    uid_validity: int = 0

    def take(self, touched: Iterable[int], matching: Collection[int]) -> tuple[list[int], list[int]]:
        """After those were searched again: what went out of the results, what came in."""
        removed: list[int] = []
        added: list[int] = []
        for uid in sorted(touched):
            if (uid in matching) != self._holds(uid):
                (added if uid in matching else removed).append(uid)
        self._replace(removed, added)
        return removed, added

    def drop(self, uids: Iterable[int]) -> list[int]:
        """Messages that are gone; those of them that were among the results."""
        removed = [uid for uid in sorted(uids) if self._holds(uid)]
        self._replace(removed, [])
        return removed

    def _holds(self, uid: int) -> bool:
        at = bisect_left(self.found, uid)
        return at < len(self.found) and self.found[at] == uid

    def _replace(self, removed: Sequence[int], added: Sequence[int]) -> None:
        if removed or added:
            away = set(removed)
            self.found = array("I", sorted([*(uid for uid in self.found if uid not in away), *added]))


@dataclass(frozen=True, slots=True)
class Answer:
    """Of the UIDs that one context looked at again, those that match now."""

    context: Context
    uids: Sequence[int]
    matching: Collection[int]


@dataclass(slots=True)
class Contexts:
    """Those of one selected mailbox."""

    by_tag: dict[str, Context] = field(default_factory=dict)
    touched: set[int] = field(
        default_factory=set
    )  # UIDs that changed or arrived since they were last searched

    def __bool__(self) -> bool:
        return bool(self.by_tag)

    def touch(self, uids: Iterable[int]) -> None:
        if self.by_tag:
            self.touched.update(uids)

    def has_room(self, count: int) -> bool:
        """For one more that found so many."""
        held = sum(len(context.found) for context in self.by_tag.values())
        return len(self.by_tag) < MAX_CONTEXTS and held + count <= MAX_FOUND

    def keep(
        self,
        tag: str,
        key: SearchKey,
        uids: Iterable[int],
        *,
        by_uid: bool,
        uid_next: int,
        mailbox: bytes = b"",
        uid_validity: int = 0,
    ) -> None:
        found = array("I", sorted(uids))
        is_mutable = any_leaf(key, _is_mutable)
        self.by_tag[tag] = Context(tag, key, by_uid, found, uid_next, is_mutable, mailbox, uid_validity)

    def cancel(self, tags: Iterable[str]) -> bool:
        """Whether all of them were there."""
        known = [self.by_tag.pop(tag, None) is not None for tag in tags]
        return all(known)

    async def look_again(
        self, mailbox_id: int, *, now: datetime, searching: asyncio.Semaphore
    ) -> list[Answer]:
        """Search what was touched, for all contexts in one hop. Raises StoreUnavailable."""
        asked = [
            (context, sorted(uid for uid in self.touched if context.is_mutable or uid >= context.known_below))
            for context in (self.by_tag.values() if self.touched else ())
        ]
        asked = [(context, uids) for context, uids in asked if uids]
        if not asked:
            self.touched.clear()
            return []
        keys = [And((_as_ranges(uids), as_of(context.key, now))) for context, uids in asked]
        async with searching if any(map(reads_messages, keys)) else nullcontext():
            found = await in_store(_search_all, mailbox_id, keys)
        self.touched.clear()
        return [
            Answer(context, uids, set(matching))
            for (context, uids), matching in zip(asked, found, strict=True)
        ]

    def tell_vanished(self, view: MailboxView, uids: Collection[int]) -> bytes:
        """Section 4.3.4: REMOVEFROM stands before the EXPUNGE responses, while the numbers still hold."""
        return b"".join(
            _told(view, context, removed=context.drop(uids), added=[]) for context in self.by_tag.values()
        )

    @staticmethod
    def tell(view: MailboxView, answers: Iterable[Answer]) -> bytes:
        """ADDTO stands after EXISTS, so that the numbers of arrivals are known (section 4.3.3)."""
        told = []
        for answer in answers:
            removed, added = answer.context.take(answer.uids, answer.matching)
            told.append(_told(view, answer.context, removed=removed, added=added))
            answer.context.known_below = max(answer.context.known_below, answer.uids[-1] + 1)
        return b"".join(told)


def as_of(key: SearchKey, now: datetime) -> SearchKey:
    """The key with OLDER and YOUNGER as moments (RFC 5032)."""

    def at_moment(leaf: SearchKey) -> SearchKey:
        if not isinstance(leaf, AgeIs):
            return leaf
        try:
            return InternalMomentIs(leaf.is_older, now - timedelta(seconds=leaf.seconds))
        except OverflowError:  # before the year 1: nothing is older, everything is younger
            return Nothing() if leaf.is_older else Not(Nothing())

    return with_leaves(key, at_moment)


def _search_all(mailbox_id: int, keys: Sequence[SearchKey]) -> list[list[int]]:
    return [search_messages(mailbox_id=mailbox_id, key=key) for key in keys]


def _as_ranges(uids: Sequence[int]) -> Uids:
    ranges: list[tuple[int, int]] = []
    for uid in uids:
        if ranges and ranges[-1][1] == uid:
            ranges[-1] = (ranges[-1][0], uid + 1)
        else:
            ranges.append((uid, uid + 1))
    return Uids(tuple(ranges))


def _told(view: MailboxView, context: Context, *, removed: Sequence[int], added: Sequence[int]) -> bytes:
    if not context.by_uid:
        removed, added = (
            [position + 1 for uid in uids if (position := view.position(uid)) is not None]
            for uids in (removed, added)
        )
    data = update_data(removed=removed, added=added)
    if not data:
        return b""
    return esearch_response(
        context.tag,
        data,
        by_uid=context.by_uid,
        mailbox=context.mailbox,
        uid_validity=context.uid_validity,
    )


def _is_mutable(leaf: SearchKey) -> bool:
    return isinstance(leaf, HasFlag | HasKeyword | ModseqIs)
