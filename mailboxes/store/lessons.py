"""Noting what people say of messages by what they do with them: into Junk, out of it, $Junk, $NotJunk.

A lesson is a row in the transaction of the act, no more: a worker learns from it (mailboxes/junk/learning.py).
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from mailboxes.models import SITE
from mailboxes.store.locks import LockedMailbox
from mailhost.net.database import cursor

JUNK, TRASH = "\\Junk", "\\Trash"  # RFC 6154 section 2
VERDICTS = {"$junk": True, "$notjunk": False}  # RFC 9051 section 2.3.2
# Who moves 10,000 messages at once has not looked at them; the newest of them are enough to learn from.
MAX_LESSONS_AT_ONCE = 500

# In the order of the key, so that two that note the same contents wait and do not deadlock. What is said already is
# left alone; what is turned round waits again.
NOTE = """
INSERT INTO mailboxes_lesson (scope, content_id, is_junk, is_waiting, hashes, noted_at)
SELECT scope, content_id, %(is_junk)s, true, '', %(now)s
  FROM unnest(%(scopes)s::bigint[]) scope, ({contents}) content
 ORDER BY scope, content_id
    ON CONFLICT (scope, content_id) DO UPDATE
   SET is_junk = excluded.is_junk, is_waiting = true, noted_at = excluded.noted_at
 WHERE mailboxes_lesson.is_junk <> excluded.is_junk
"""
GIVEN = "SELECT DISTINCT unnest(%(contents)s::bigint[]) AS content_id"
IN_MAILBOX = """SELECT DISTINCT content_id FROM mailboxes_message
         WHERE mailbox_id = %(mailbox)s AND uid = ANY(%(uids)s::bigint[])"""


def note_moved(source: LockedMailbox, target: LockedMailbox, uids: Sequence[int], *, now: datetime) -> None:
    """Messages have come from one mailbox into the other, where they have these UIDs; copied or moved is all the same.

    Into Junk is "junk"; out of it to anything but Trash is "wanted": what is thrown away has not been praised.
    """
    if target.special_use == JUNK and source.special_use != JUNK:
        _note_in(target, uids, owner_id=target.account_id, is_junk=True, now=now)
    elif source.special_use == JUNK and target.special_use not in (JUNK, TRASH):
        _note_in(target, uids, owner_id=source.account_id, is_junk=False, now=now)


def note_appended(mailbox: LockedMailbox, content_ids: Sequence[int], *, now: datetime) -> None:
    """A client has put messages there. Deliveries into Junk are no lessons, and do not come here."""
    if mailbox.special_use == JUNK:
        note(account_id=mailbox.account_id, content_ids=content_ids, is_junk=True, now=now)


def note_keywords(
    mailbox: LockedMailbox, uids: Sequence[int], keywords: Collection[str], *, now: datetime
) -> None:
    """These messages have got keywords."""
    verdicts = {VERDICTS[word.lower()] for word in keywords if word.lower() in VERDICTS}
    if len(verdicts) == 1:
        _note_in(mailbox, uids, owner_id=mailbox.account_id, is_junk=verdicts.pop(), now=now)


def note(*, account_id: int, content_ids: Sequence[int], is_junk: bool, now: datetime) -> None:
    """In the caller's transaction, for the account and the whole site."""
    parameters = {
        "scopes": [SITE, account_id],
        "contents": list(content_ids)[-MAX_LESSONS_AT_ONCE:],
        "is_junk": is_junk,
        "now": now,
    }
    with cursor() as sql:
        sql.execute(NOTE.format(contents=GIVEN).encode(), parameters)


def _note_in(
    mailbox: LockedMailbox, uids: Sequence[int], *, owner_id: int, is_junk: bool, now: datetime
) -> None:
    parameters = {
        "scopes": [SITE, owner_id],
        "mailbox": mailbox.mailbox_id,
        "uids": sorted(uids)[-MAX_LESSONS_AT_ONCE:],
        "is_junk": is_junk,
        "now": now,
    }
    with cursor() as sql:
        sql.execute(NOTE.format(contents=IN_MAILBOX).encode(), parameters)
