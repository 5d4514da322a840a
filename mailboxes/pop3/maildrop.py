"""A maildrop (RFC 1939 section 5): INBOX as it was at sign-in, messages by number, marks for QUIT."""

import asyncio
from array import array
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field

from django.conf import settings
from django.db import DatabaseError

from mailboxes.exceptions import LoginTooSoon, MailboxNotFound
from mailboxes.store.fetch import fetch_rows, fetch_slice
from mailboxes.store.hierarchy import find_mailbox
from mailboxes.store.mailbox_names import INBOX
from mailboxes.store.maildrop import free_lease, take_lease
from mailboxes.store.select import load_view
from mailhost.net import counters
from mailhost.net.database import snapshot
from mailhost.net.store_threads import StoreUnavailable, in_store

SLICE_OCTETS = 256 * 1024  # of a large message, read and sent at a time
READ_AHEAD_MESSAGES = 256


class NoSuchMessage(Exception):
    """No message has this number, or it is marked as deleted; the text is a sentence for people."""


class MessageGone(Exception):
    """Its octets are not there any more: expunged by another session, and not kept."""


@dataclass(slots=True)
class Maildrop:
    """Messages by number (1 is the first), with what this session has marked and read ahead."""

    mailbox_id: int
    uid_validity: int
    uids: "array[int]"
    sizes: "array[int]"  # octets as stored
    read_ahead_octets: int
    deleted: set[int] = field(default_factory=set)  # numbers
    _ahead: dict[int, bytes] = field(default_factory=dict)  # by number
    _coming: "asyncio.Task[dict[int, bytes]] | None" = None  # what follows that, on its way
    _last_read: int = 0

    def find(self, number: int) -> int:
        """The index of a message that is there and not marked as deleted. Raises NoSuchMessage."""
        if not 1 <= number <= len(self.uids):
            raise NoSuchMessage("There is no such message.")
        if number in self.deleted:
            raise NoSuchMessage("This message is deleted.")
        return number - 1

    def numbers(self) -> Iterator[int]:
        """The numbers of all messages not marked as deleted."""
        return (number for number in range(1, len(self.uids) + 1) if number not in self.deleted)

    def size_octets(self, number: int) -> int:
        """Octets as stored, which is what RETR sends unless the message holds bare CR or LF, or ends without CRLF.

        Counting those would mean to read every message for a LIST; RFC 1939 section 11 asks for the exact number,
        and RETR's own reply tells it.
        """
        return self.sizes[number - 1]

    def unique_id(self, number: int) -> str:
        """The UIDL of a message: as steady as its UID is (RFC 1939 section 7)."""
        return f"{self.uid_validity}.{self.uids[number - 1]}"

    @property
    def deleted_uids(self) -> list[int]:
        """The UIDs that QUIT expunges."""
        return [self.uids[number - 1] for number in sorted(self.deleted)]

    async def read(self, number: int) -> bytes | None:
        """A message's octets as stored; None: too many to hold, use read_slices. Raises MessageGone, StoreUnavailable.

        A client that reads one by one is read ahead for: messages that follow come in the same query.
        """
        if number not in self._ahead and self._coming is not None:
            self._ahead, self._coming = await self._coming, None
        octets = self._ahead.pop(number, None)
        if octets is None and self.sizes[number - 1] <= self.read_ahead_octets:
            numbers = self._batch_from(number) if number == self._last_read + 1 else [number]
            self._ahead = await self._fetch(numbers)
            octets = self._ahead.pop(number, None)
            if octets is None:
                raise MessageGone
        self._last_read = number
        if self._ahead and self._coming is None:
            self._fetch_what_follows(max(self._ahead) + 1)
        return octets

    def _fetch_what_follows(self, number: int) -> None:
        """While this batch is sent, Postgres reads the next one."""
        if number <= len(self.uids) and self.sizes[number - 1] <= self.read_ahead_octets:
            self._coming = asyncio.create_task(self._fetch_quietly(self._batch_from(number)))

    async def _fetch_quietly(self, numbers: list[int]) -> dict[int, bytes]:
        try:
            return await self._fetch(numbers)
        except (StoreUnavailable, DatabaseError):
            return {}  # whoever needs it asks again, and is told

    async def _fetch(self, numbers: list[int]) -> dict[int, bytes]:
        by_uid = {self.uids[each - 1]: each for each in numbers}
        rows = await in_store(fetch_rows, mailbox_id=self.mailbox_id, uids=list(by_uid), columns=("octets",))
        return {by_uid[uid]: octets for uid, octets in rows}

    def close(self) -> None:
        """Nothing is read ahead any more."""
        if self._coming is not None:
            self._coming.cancel()
            self._coming = None

    def _batch_from(self, number: int) -> list[int]:
        """This message and those after it, as far as the bound on octets allows."""
        numbers: list[int] = []
        octets = 0
        for each in range(number, min(number + READ_AHEAD_MESSAGES, len(self.uids) + 1)):
            octets += self.sizes[each - 1]
            if numbers and octets > self.read_ahead_octets:
                break
            if each not in self.deleted:
                numbers.append(each)
        return numbers

    async def read_slices(self, number: int, *, first: int = SLICE_OCTETS) -> AsyncGenerator[bytes, None]:
        """A message's octets in pieces that are read when they are asked for; `first` is the first one's length.

        Raises MessageGone, StoreUnavailable, both also in the middle.
        """
        offset, length = 0, first
        while piece := await in_store(
            fetch_slice, mailbox_id=self.mailbox_id, uid=self.uids[number - 1], offset=offset, length=length
        ):
            yield piece
            offset += len(piece)
            if len(piece) < length:
                return
            length = SLICE_OCTETS
        if offset < self.sizes[number - 1]:
            raise MessageGone


def open_maildrop(*, account_id: int, holder: str) -> Maildrop:
    """INBOX at this moment, under a lease of its own.

    Raises LoginTooSoon, MaildropInUse, MailboxNotFound: an operator's account need not have one.
    """
    delay, recent = settings.POP3_LOGIN_DELAY_SECONDS, f"pop3-login:{account_id}"
    if delay and counters.read(recent):
        raise LoginTooSoon(delay)
    take_lease(account_id=account_id, holder=holder, seconds=settings.POP3_LEASE_SECONDS)
    try:
        maildrop = _read(account_id, settings.POP3_READ_AHEAD_OCTETS)
    except MailboxNotFound:
        free_lease(account_id=account_id, holder=holder)
        raise
    if delay:
        counters.increment(recent, window_seconds=delay)
    return maildrop


def _read(account_id: int, read_ahead_octets: int) -> Maildrop:
    with snapshot():
        entry = find_mailbox(account_id=account_id, name=INBOX)
        uids = load_view(mailbox_id=entry.mailbox_id).uids
        rows = fetch_rows(mailbox_id=entry.mailbox_id, uids=uids, columns=("size_octets",))
    sizes = array("q", (size for _, size in rows))
    return Maildrop(entry.mailbox_id, entry.uid_validity, uids, sizes, read_ahead_octets)
