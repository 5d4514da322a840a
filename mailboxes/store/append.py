"""Storing new messages: APPEND, and delivery of many messages to many mailboxes in one transaction.

The hot path of the whole host: two set-based statements, however many messages.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from mailboxes.exceptions import (
    DiskNearlyFull,
    MailboxBusy,
    MailboxFact,
    MailboxNotFound,
    MessageTooLarge,
    QuotaExceeded,
)
from mailboxes.store import structure
from mailboxes.store.grants import changeable_flags, require_on
from mailboxes.store.keywords import checked_keywords
from mailboxes.store.large_content import LARGE_OCTETS, copy_contents
from mailboxes.store.lessons import note_appended
from mailboxes.store.locks import (
    LockedMailbox,
    LockedUsage,
    announce_on_commit,
    lock_mailboxes,
    lock_usage,
    one,
)
from mailboxes.store.values import NO_FLAGS, Appended, Flag, NewContent, NewMessage
from mailhost.net.database import cursor
from mailhost.net.disk import has_room
from mailhost.protocols.message.working_out import work_out

INBOX = "INBOX"
SLOW_OCTETS = 128 * 1024  # from here on prepare() takes milliseconds: not in an event loop

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
# What is text or number travels as JSON: psycopg dumps lists element by element in Python, which took longer than all
# the rest. What is octets travels as binary arrays (%b; as text it would be doubled and escaped), unnested beside the
# rows: an element of such an array is found by walking over all before it.
CONTENT_COLUMNS = """octets, digest, envelope, body_structure, parts, size_octets, header_octets, message_id,
        "references", subject, from_display, to_display, sort_subject, sort_from, sort_to, sort_cc, sent_at, preview,
        has_attachments"""
GIVEN_COLUMNS = CONTENT_COLUMNS.replace('"references"', "refs")
GIVEN_CONTENTS = """ROWS FROM (unnest(%(octets)b::bytea[]), unnest(%(digest)b::bytea[]), unnest(%(envelope)b::bytea[]),
           unnest(%(body_structure)b::bytea[]), unnest(%(parts)b::bytea[]),
           json_to_recordset(%(contents)s::json) AS (id bigint, size_octets integer, header_octets integer,
           message_id text, refs text[], subject text, from_display text, to_display text, sort_subject text,
           sort_from text, sort_to text, sort_cc text, sent_at timestamptz, preview text, has_attachments boolean))
           given(octets, digest, envelope, body_structure, parts)"""
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

UID_VALIDITY = (
    "SELECT uid_validity FROM mailboxes_mailbox WHERE id = %s AND account_id = %s AND deleted_at IS NULL"
)


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


def prepare(octets: bytes) -> NewContent:
    """What is worked out of a message before it is stored. Pure computation: hold no lock meanwhile."""
    return NewContent(octets, hashlib.sha256(octets).digest(), work_out(octets, limits=structure.limits()))


@transaction.atomic
def append(
    *,
    account_id: int,
    mailbox_id: int,
    contents: Sequence[NewMessage],
    acting_id: int | None = None,
    now: datetime,
) -> Appended:
    """Appends messages to one mailbox of the account, all or none, with consecutive UIDs.

    Where another account than the owner acts, with the flags that it may set (RFC 4314 section 4).
    Raises MailboxNotFound, NotPermitted, QuotaExceeded, MessageTooLarge, DiskNearlyFull, TooManyKeywords,
    KeywordInvalid.
    """
    if acting_id is not None and acting_id != account_id:
        contents = _permitted(account_id, mailbox_id, acting_id, contents)
    items = [
        Item(
            message.content,
            [Target(account_id, mailbox_id, message.flags, checked_keywords(message.keywords))],
            message.internal_date or now,
        )
        for message in contents
    ]
    if not items:
        return Appended(_uid_validity(account_id, mailbox_id), [])
    locked = append_batch(items, now=now)
    for item in items:
        if item.failure is not None:
            raise item.failure
    note_appended(locked[mailbox_id], [item.content_id for item in items], now=now)
    return Appended(locked[mailbox_id].uid_validity, [item.uids[0] for item in items])


def _permitted(
    account_id: int, mailbox_id: int, acting_id: int, contents: Sequence[NewMessage]
) -> list[NewMessage]:
    """The messages with the flags that this account may set, under the locks that changes of its rights take."""
    lock_usage([account_id])
    mailbox = lock_mailboxes([mailbox_id])[mailbox_id]
    allowed = changeable_flags(require_on(mailbox, acting_id, "i"))
    return [
        replace(
            message,
            flags=message.flags & allowed,
            keywords=message.keywords if allowed & Flag.FLAGGED else (),
        )
        for message in contents
    ]


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
    batch = _Batch(absent=MailboxNotFound if wait else MailboxBusy)
    batch.lock(items, patience="" if wait else "SKIP LOCKED")
    for item in items:
        batch.take(item)
    batch.write(now)
    announce_on_commit(batch.counts)
    return batch.mailboxes


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


def _uid_validity(account_id: int, mailbox_id: int) -> int:
    row = one(UID_VALIDITY, (mailbox_id, account_id))
    if row is None:
        raise MailboxNotFound(str(mailbox_id))
    uid_validity: int = row[0]
    return uid_validity


def content_parameters(contents: Sequence[tuple[int, NewContent]]) -> dict[str, Any]:
    """What GIVEN_CONTENTS needs; the numbers come back as `id`."""
    return {
        "octets": [content.octets for _, content in contents],
        "digest": [content.digest for _, content in contents],
        "envelope": [content.worked_out.envelope for _, content in contents],
        "body_structure": [content.worked_out.body_structure for _, content in contents],
        "parts": [content.worked_out.parts for _, content in contents],
        "contents": json.dumps([_row(number, content) for number, content in contents]),
    }


def _row(number: int, content: NewContent) -> dict[str, Any]:
    found = content.worked_out
    return {
        "id": number,
        "size_octets": len(content.octets),
        "header_octets": found.header_octets,
        "message_id": found.message_id,
        "refs": found.references,
        "subject": found.subject,
        "from_display": found.from_display,
        "to_display": found.to_display,
        "sort_subject": found.sort_subject,
        "sort_from": found.sort_from,
        "sort_to": found.sort_to,
        "sort_cc": found.sort_cc,
        "sent_at": found.sent_at and found.sent_at.isoformat(),
        "preview": found.preview,
        "has_attachments": found.has_attachments,
    }
