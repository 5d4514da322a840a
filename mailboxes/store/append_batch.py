"""Storing many messages in many mailboxes in one transaction.

Two set-based statements, however many messages: one locks and numbers, one writes. One where none has a mailbox.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings

from mailboxes.exceptions import (
    DiskNearlyFull,
    MailboxBusy,
    MailboxFact,
    MailboxNotFound,
    MessageTooLarge,
    QuotaExceeded,
)
from mailboxes.store.content_rows import CONTENT_COLUMNS, GIVEN_COLUMNS, GIVEN_CONTENTS, content_parameters
from mailboxes.store.kept_content import keep_contents
from mailboxes.store.large_content import LARGE_OCTETS, copy_contents
from mailboxes.store.locks import LockedMailbox, LockedUsage, announce_on_commit
from mailboxes.store.mailbox_names import INBOX
from mailboxes.store.values import NO_FLAGS, Flag, NewContent
from mailhost.net.database import cursor
from mailhost.net.disk import has_room

# Locks in their order (usage rows, then mailboxes: the count makes the one wait for the other), and content ids.
LOCK_AND_NUMBER = """
WITH usage AS MATERIALIZED (
    SELECT usage.account_id, usage.octets, account.quota_octets, usage.messages, account.quota_messages
      FROM mailboxes_accountusage usage JOIN mailboxes_account account ON account.id = usage.account_id
     WHERE usage.account_id = ANY(%(accounts)s::bigint[])
     ORDER BY usage.account_id FOR NO KEY UPDATE OF usage {patience}
), mailbox AS MATERIALIZED (
    SELECT id, account_id, name, uid_validity, uid_next, highest_modseq, special_use
      FROM mailboxes_mailbox
     WHERE deleted_at IS NULL AND (SELECT count(*) FROM usage) >= 0
       AND (id = ANY(%(mailboxes)s::bigint[]) OR (account_id = ANY(%(accounts)s::bigint[]) AND name = 'INBOX'))
     ORDER BY id FOR NO KEY UPDATE {patience}
)
SELECT 'usage', account_id, octets, quota_octets, messages, quota_messages, NULL, NULL FROM usage
UNION ALL SELECT 'mailbox', id, account_id, uid_validity, uid_next, highest_modseq, name, special_use FROM mailbox
UNION ALL SELECT 'content', nextval('mailboxes_content_id_seq'), NULL, NULL, NULL, NULL, NULL, NULL
            FROM generate_series(1, %(contents)s)
"""
WRITE = f"""
WITH content AS (
    INSERT INTO mailboxes_content (id, created_at, {CONTENT_COLUMNS})
    SELECT id, %(now)s, {GIVEN_COLUMNS}
      FROM {GIVEN_CONTENTS}
), message AS (
    INSERT INTO mailboxes_message (mailbox_id, uid, modseq, flags, size_octets, internal_date, keywords, content_id,
                                   saved_at)
    SELECT mailbox_id, uid, modseq, flags, size_octets, internal_date, keywords, content_id, %(now)s
      FROM json_to_recordset(%(messages)s::json) row(mailbox_id bigint, uid bigint, modseq bigint, flags smallint,
           size_octets integer, internal_date timestamptz, keywords text[], content_id bigint)
), mailbox AS (
    UPDATE mailboxes_mailbox mailbox
       SET uid_next = grown.uid_next, highest_modseq = grown.modseq, message_count = message_count + grown.messages,
           unseen_count = unseen_count + grown.unseen, deleted_count = deleted_count + grown.deleted,
           size_octets = size_octets + grown.octets
      FROM json_to_recordset(%(mailboxes)s::json) grown(id bigint, uid_next bigint, modseq bigint, messages integer,
           unseen integer, deleted integer, octets bigint)
     WHERE mailbox.id = grown.id
)
UPDATE mailboxes_accountusage usage
   SET octets = usage.octets + grown.octets, messages = usage.messages + grown.messages
  FROM json_to_recordset(%(accounts)s::json) grown(id bigint, octets bigint, messages bigint)
 WHERE usage.account_id = grown.id
"""


@dataclass(frozen=True, slots=True)
class Target:
    """One mailbox that is to show a content; without mailbox_id it is the account's INBOX."""

    account_id: int
    mailbox_id: int | None = None
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
    if not any(item.targets or len(item.content.octets) > LARGE_OCTETS for item in items):
        _keep(items, now=now)
        return {}
    batch = _Batch(absent=MailboxNotFound if wait else MailboxBusy)
    batch.lock(items, patience="" if wait else "SKIP LOCKED")
    for item in items:
        batch.take(item)
    batch.write(now)
    announce_on_commit(batch.counts)
    return batch.mailboxes


def _keep(items: Sequence[Item], *, now: datetime) -> None:
    """Of mail that only leaves: no mailbox has to be looked at."""
    kept = [item for item in items if item.failure is None and item.keep_content]
    ids = keep_contents([item.content for item in kept], now=now)
    for item, content_id in zip(kept, ids, strict=True):
        item.content_id = content_id


class _Batch:
    """Rows that one transaction is going to write."""

    def __init__(self, *, absent: type[MailboxNotFound | MailboxBusy]) -> None:
        self.absent = absent
        self.usage: dict[int, LockedUsage] = {}
        self.mailboxes: dict[int, LockedMailbox] = {}
        self.inboxes: dict[int, int] = {}
        self.content_ids: list[int] = []
        self.contents: list[Item] = []
        self.messages: list[dict[str, Any]] = []
        self.counts: dict[int, Counter[str]] = defaultdict(Counter)
        self.account_counts: dict[int, Counter[str]] = defaultdict(Counter)

    def lock(self, items: Sequence[Item], *, patience: str) -> None:
        """One round trip: the locks, and ids for the contents."""
        targets = [target for item in items for target in item.targets]
        parameters = {
            "accounts": list({target.account_id for target in targets}),
            "mailboxes": list({target.mailbox_id for target in targets if target.mailbox_id is not None}),
            "contents": len(items),
        }
        with cursor() as sql:
            for kind, *row, name, special_use in sql.execute(
                LOCK_AND_NUMBER.format(patience=patience).encode(), parameters
            ):
                if kind == "usage":
                    self.usage[row[0]] = LockedUsage(*row)
                elif kind == "content":
                    self.content_ids.append(row[0])
                else:
                    self.mailboxes[row[0]] = LockedMailbox(
                        row[0], row[1], name, row[2], row[3], row[4], special_use
                    )
                    if name == INBOX:
                        self.inboxes[row[1]] = row[0]

    def take(self, item: Item) -> None:
        """Gives the item its UIDs, or its failure."""
        if item.failure is not None:
            return
        size = len(item.content.octets)
        mailbox_ids = [
            self.inboxes.get(target.account_id, 0) if target.mailbox_id is None else target.mailbox_id
            for target in item.targets
        ]
        item.failure = self._obstacle(item, mailbox_ids, size)
        if item.failure is not None or not (item.targets or item.keep_content):
            return
        item.content_id = self.content_ids.pop()
        self.contents.append(item)
        for target, mailbox_id in zip(item.targets, mailbox_ids, strict=True):
            item.uids.append(self._place(item, target, mailbox_id, size))

    def _obstacle(self, item: Item, mailbox_ids: list[int], size: int) -> MailboxFact | None:
        needs = Counter(target.account_id for target in item.targets)
        for target, mailbox_id in zip(item.targets, mailbox_ids, strict=True):
            mailbox = self.mailboxes.get(mailbox_id)
            if (
                target.account_id not in self.usage
                or mailbox is None
                or mailbox.account_id != target.account_id
            ):
                return self.absent(str(mailbox_id))
        full = [
            account
            for account, copies in needs.items()
            if not self.usage[account].room_for(messages=copies, octets=copies * size)
        ]
        return QuotaExceeded(full) if full else None

    def _place(self, item: Item, target: Target, mailbox_id: int, size: int) -> int:
        mailbox = self.mailboxes[mailbox_id]
        counts = self.counts[mailbox_id]
        if not counts:
            mailbox.highest_modseq += 1  # one step for all that this transaction adds
        uid = mailbox.uid_next
        mailbox.uid_next += 1
        counts["messages"] += 1
        counts["unseen"] += not target.flags & Flag.SEEN
        counts["deleted"] += bool(target.flags & Flag.DELETED)
        counts["octets"] += size
        self.usage[target.account_id].octets += size
        self.usage[target.account_id].messages += 1
        account = self.account_counts[target.account_id]
        account["octets"] += size
        account["messages"] += 1
        self.messages.append(
            {
                "mailbox_id": mailbox_id,
                "uid": uid,
                "modseq": mailbox.highest_modseq,
                "flags": int(target.flags),
                "size_octets": size,
                "internal_date": item.internal_date.isoformat(),
                "keywords": target.keywords,
                "content_id": item.content_id,
            }
        )
        return uid

    def write(self, now: datetime) -> None:
        """One round trip: contents, message rows, counts."""
        if not self.contents:
            return
        mailboxes = [
            {
                "id": mailbox_id,
                "uid_next": self.mailboxes[mailbox_id].uid_next,
                "modseq": self.mailboxes[mailbox_id].highest_modseq,
                **counts,
            }
            for mailbox_id, counts in self.counts.items()
        ]
        accounts = [{"id": account_id, **counts} for account_id, counts in self.account_counts.items()]
        contents = [(item.content_id, item.content) for item in self.contents]
        copy_contents([each for each in contents if len(each[1].octets) > LARGE_OCTETS], now=now)
        contents = [each for each in contents if len(each[1].octets) <= LARGE_OCTETS]
        parameters = {
            **content_parameters(contents),
            "messages": json.dumps(self.messages),
            "mailboxes": json.dumps(mailboxes),
            "accounts": json.dumps(accounts),
            "now": now,
        }
        with cursor() as sql:
            sql.execute(WRITE.encode(), parameters)
