"""Storing new messages: APPEND, and delivery of many messages to many mailboxes in one transaction.

The hot path of the whole host: set-based statements, sent in two pipelined round trips however many messages.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection, transaction

from mailboxes.exceptions import (
    DiskNearlyFull,
    MailboxBusy,
    MailboxFact,
    MailboxNotFound,
    MessageTooLarge,
    QuotaExceeded,
)
from mailboxes.store.locks import LOCK_MAILBOXES, LOCK_USAGE, LockedMailbox, LockedUsage, announce_on_commit
from mailboxes.store.values import NO_FLAGS, Appended, Flag, NewContent, NewMessage
from mailhost.net.database import cursor
from mailhost.net.disk import has_room
from mailhost.protocols.message.working_out import work_out

SEPARATOR = "\x1f"  # between the elements of an array that travels as one text: none of them holds a control

NEXT_CONTENT_IDS = """
SELECT nextval('mailboxes_content_id_seq') FROM generate_series(1, %s)
"""
INSERT_CONTENT = """
INSERT INTO mailboxes_content (id, octets, digest, size_octets, header_octets, envelope, body_structure, parts,
    message_id, "references", subject, from_display, to_display, sort_subject, sort_from, sort_to, sort_cc, sent_at,
    preview, has_attachments, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
INSERT_MESSAGES = """
INSERT INTO mailboxes_message (mailbox_id, uid, modseq, flags, size_octets, internal_date, keywords, content_id,
                               saved_at)
SELECT mailbox_id, uid, modseq, flags, size_octets, internal_date, string_to_array(keywords, E'\\x1f'), content_id, %s
  FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::smallint[], %s::integer[], %s::timestamptz[], %s::text[],
              %s::bigint[]) row(mailbox_id, uid, modseq, flags, size_octets, internal_date, keywords, content_id)
"""
GROW_MAILBOXES = """
UPDATE mailboxes_mailbox mailbox
   SET uid_next = grown.uid_next, highest_modseq = grown.modseq, message_count = message_count + grown.messages,
       unseen_count = unseen_count + grown.unseen, deleted_count = deleted_count + grown.deleted,
       size_octets = size_octets + grown.octets
  FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::integer[], %s::integer[], %s::integer[], %s::bigint[])
       grown(id, uid_next, modseq, messages, unseen, deleted, octets)
 WHERE mailbox.id = grown.id
"""
GROW_USAGE = """
UPDATE mailboxes_accountusage usage SET octets = usage.octets + grown.octets, messages = usage.messages + grown.messages
  FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) grown(account_id, octets, messages)
 WHERE usage.account_id = grown.account_id
"""


@dataclass(frozen=True, slots=True)
class Target:
    """One mailbox that is to show a content."""

    account_id: int
    mailbox_id: int
    flags: Flag = NO_FLAGS
    keywords: tuple[str, ...] = ()


@dataclass(slots=True)
class Item:
    """One content and the mailboxes it goes to, all or none; what came of it is written here."""

    content: NewContent
    targets: Sequence[Target]
    internal_date: datetime
    keep_content: bool = False  # also without targets: the queue refers to it
    content_id: int = 0
    uids: list[int] = field(default_factory=list)  # one for each target
    failure: MailboxFact | None = None


def prepare(octets: bytes) -> NewContent:
    """What is worked out of a message before it is stored. Pure computation: hold no lock meanwhile."""
    return NewContent(octets, hashlib.sha256(octets).digest(), work_out(octets))


@transaction.atomic
def append(*, account_id: int, mailbox_id: int, contents: Sequence[NewMessage], now: datetime) -> Appended:
    """Appends messages to one mailbox, all or none, with consecutive UIDs.

    Raises MailboxNotFound, QuotaExceeded, MessageTooLarge, DiskNearlyFull.
    """
    items = [
        Item(
            message.content,
            [Target(account_id, mailbox_id, message.flags, message.keywords)],
            message.internal_date or now,
        )
        for message in contents
    ]
    locked = append_batch(items, now=now)
    for item in items:
        if item.failure is not None:
            raise item.failure
    return Appended(locked[mailbox_id].uid_validity, [item.uids[0] for item in items])


def append_batch(items: Sequence[Item], *, now: datetime, wait: bool = True) -> dict[int, LockedMailbox]:
    """Stores all items that can be, in the caller's transaction; the others carry their failure.

    An item fails alone (QuotaExceeded, MailboxNotFound, MessageTooLarge; without `wait` MailboxBusy where somebody
    else has a lock that it needs). Raises DiskNearlyFull for all.
    """
    if not has_room():
        raise DiskNearlyFull
    for item in items:
        if len(item.content.octets) > settings.MAX_MESSAGE_OCTETS:
            item.failure = MessageTooLarge(f"A message has at most {settings.MAX_MESSAGE_OCTETS} octets.")
    usage, mailboxes, content_ids = _lock_and_number(items, wait=wait)
    batch = _Batch(usage, mailboxes, absent=MailboxNotFound if wait else MailboxBusy)
    for item in items:
        batch.take(item, content_ids)
    batch.write(now)
    announce_on_commit(batch.mailboxes_grown)
    return mailboxes


def _lock_and_number(
    items: Sequence[Item], *, wait: bool
) -> tuple[dict[int, LockedUsage], dict[int, LockedMailbox], list[int]]:
    """One round trip: the locks in their order, and ids for the contents."""
    accounts = list({target.account_id for item in items for target in item.targets})
    mailbox_ids = list({target.mailbox_id for item in items for target in item.targets})
    patience = "" if wait else " SKIP LOCKED"
    with cursor() as sql:
        with connection.connection.pipeline():
            if accounts:
                usage_rows = _sent(sql, LOCK_USAGE + patience, (accounts,))
                mailbox_rows = _sent(sql, LOCK_MAILBOXES + patience, (mailbox_ids,))
            numbers = _sent(sql, NEXT_CONTENT_IDS, (len(items),))
        usage = {row[0]: LockedUsage(*row) for row in usage_rows} if accounts else {}
        mailboxes = {row[0]: LockedMailbox(*row) for row in mailbox_rows} if accounts else {}
        return usage, mailboxes, [row[0] for row in numbers]


def _sent(sql: psycopg.Cursor[Any], statement: str, parameters: tuple[Any, ...]) -> psycopg.Cursor[Any]:
    """A cursor of its own with the statement on its way; its rows are read after the pipeline."""
    own = psycopg.Cursor(sql.connection)
    own.format = psycopg.pq.Format.BINARY
    return own.execute(statement.encode(), parameters)


class _Batch:
    """Rows that one transaction is going to write."""

    def __init__(
        self,
        usage: dict[int, LockedUsage],
        mailboxes: dict[int, LockedMailbox],
        *,
        absent: type[MailboxNotFound | MailboxBusy],
    ) -> None:
        self.usage = usage
        self.mailboxes = mailboxes
        self.absent = absent
        self.contents: list[tuple[int, Item]] = []
        self.messages: list[tuple[Any, ...]] = []
        self.counts: dict[int, Counter[str]] = defaultdict(Counter)
        self.account_counts: dict[int, Counter[str]] = defaultdict(Counter)

    @property
    def mailboxes_grown(self) -> Iterable[int]:
        return self.counts.keys()

    def take(self, item: Item, content_ids: list[int]) -> None:
        """Gives the item its UIDs, or its failure."""
        if item.failure is not None:
            return
        size = len(item.content.octets)
        item.failure = self._obstacle(item, size)
        if item.failure is not None or not (item.targets or item.keep_content):
            return
        item.content_id = content_ids.pop()
        self.contents.append((item.content_id, item))
        for target in item.targets:
            item.uids.append(self._place(item, target, size))

    def _obstacle(self, item: Item, size: int) -> MailboxFact | None:
        needs = Counter(target.account_id for target in item.targets)
        for target in item.targets:
            if target.mailbox_id not in self.mailboxes or target.account_id not in self.usage:
                return self.absent(str(target.mailbox_id))
        full = [
            account for account, copies in needs.items() if not self.usage[account].room_for(copies * size)
        ]
        return QuotaExceeded(full) if full else None

    def _place(self, item: Item, target: Target, size: int) -> int:
        mailbox = self.mailboxes[target.mailbox_id]
        counts = self.counts[target.mailbox_id]
        if not counts:
            mailbox.highest_modseq += 1  # one step for all that this transaction adds
        uid = mailbox.uid_next
        mailbox.uid_next += 1
        counts["messages"] += 1
        counts["unseen"] += not target.flags & Flag.SEEN
        counts["deleted"] += bool(target.flags & Flag.DELETED)
        counts["octets"] += size
        self.usage[target.account_id].octets += size
        account = self.account_counts[target.account_id]
        account["octets"] += size
        account["messages"] += 1
        keywords = SEPARATOR.join(target.keywords)
        self.messages.append(
            (
                target.mailbox_id,
                uid,
                mailbox.highest_modseq,
                int(target.flags),
                size,
                item.internal_date,
                keywords,
                item.content_id,
            )
        )
        return uid

    def write(self, now: datetime) -> None:
        """One round trip: contents, message rows, counts."""
        if not self.contents:
            return
        grown = [
            (
                mailbox_id,
                self.mailboxes[mailbox_id].uid_next,
                self.mailboxes[mailbox_id].highest_modseq,
                counts["messages"],
                counts["unseen"],
                counts["deleted"],
                counts["octets"],
            )
            for mailbox_id, counts in self.counts.items()
        ]
        used = [
            (account, counts["octets"], counts["messages"]) for account, counts in self.account_counts.items()
        ]
        with cursor() as sql, connection.connection.pipeline():
            for content_id, item in self.contents:
                sql.execute(INSERT_CONTENT, _content_row(content_id, item.content, now))
            if self.messages:
                sql.execute(INSERT_MESSAGES, (now, *_columns(self.messages)))
                sql.execute(GROW_MAILBOXES, _columns(grown))
                sql.execute(GROW_USAGE, _columns(used))


def _columns(rows: list[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _content_row(content_id: int, content: NewContent, now: datetime) -> tuple[Any, ...]:
    found = content.worked_out
    return (
        content_id,
        content.octets,
        content.digest,
        len(content.octets),
        found.header_octets,
        found.envelope,
        found.body_structure,
        found.parts,
        found.message_id,
        list(found.references),
        found.subject,
        found.from_display,
        found.to_display,
        found.sort_subject,
        found.sort_from,
        found.sort_to,
        found.sort_cc,
        found.sent_at,
        found.preview,
        found.has_attachments,
        now,
    )
