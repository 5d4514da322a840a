"""Changing flags and keywords (RFC 9051 section 6.4.6), on condition that nobody did since (RFC 7162 section 3.1.3)."""

from array import array
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import Literal

from django.conf import settings
from django.db import transaction

from mailboxes.exceptions import NotPermitted, TooManyKeywords
from mailboxes.store.grants import changeable_flags, rights_on
from mailboxes.store.keywords import checked_keywords
from mailboxes.store.lessons import note_keywords
from mailboxes.store.locks import LockedMailbox, announce_on_commit, lock_mailboxes
from mailboxes.store.uid_conditions import uids_among
from mailboxes.store.values import ChangedRows, Flag, Stored
from mailhost.net.database import cursor

Mode = Literal["add", "remove", "replace"]

KEYWORDS_AS = Flag.FLAGGED  # RFC 4314 section 4: the right w is for both

# What the mailbox's row counts; an IntFlag takes half a microsecond for each &.
COUNTED = int(Flag.SEEN | Flag.DELETED)

NEW_FLAGS = "flags & %(kept_flags)s | %(added_flags)s"
# Keywords compare caselessly (RFC 9051 section 2.3.2) and keep the spelling in which they came first.
NEW_KEYWORDS = {
    "add": """keywords || ARRAY(SELECT word FROM unnest(%(words)s::text[]) word
               WHERE lower(word) <> ALL(ARRAY(SELECT lower(old_word) FROM unnest(keywords) old_word)))""",
    "remove": """ARRAY(SELECT word FROM unnest(keywords) WITH ORDINALITY each(word, place)
                 WHERE lower(word) <> ALL(SELECT lower(gone) FROM unnest(%(words)s::text[]) gone) ORDER BY place)""",
    "replace": "%(words)s::text[]",
}
DIVIDE = (
    "SELECT uid, modseq <= %(unchanged_since)s FROM mailboxes_message WHERE mailbox_id = %(mailbox)s AND "
)

# uid, flags before, flags now, keywords now where there are any
Rows = list[tuple[int, int, int, list[str] | None]]


@transaction.atomic
def store_flags(
    *,
    mailbox_id: int,
    uids: Sequence[int],
    mode: Mode,
    flags: Flag,
    keywords: Sequence[str] = (),
    unchanged_since: int | None = None,
    acting_id: int | None = None,
    now: datetime,
) -> Stored:
    """Adds, removes or replaces flags of these messages; rows that are so already are left alone.

    With `unchanged_since`, so are those with a higher mod-sequence: what that is, is decided under the mailbox's
    lock. Where another account than the owner acts, only flags that it has the right to change are changed (RFC 4314
    section 4). Raises MailboxNotFound, TooManyKeywords, KeywordInvalid; NotPermitted where it may change none of them.
    """
    words = list(checked_keywords(keywords))
    mailbox = lock_mailboxes([mailbox_id])[mailbox_id]
    allowed = _allowed(mailbox, acting_id, mode, flags, words)
    modseq = mailbox.highest_modseq + 1
    newer: list[int] = []
    missing: list[int] = []
    if unchanged_since is not None:
        uids, newer, missing = _divide(mailbox_id, uids, unchanged_since)
    rows = _update(mailbox_id, uids, modseq, mode, int(flags & allowed), words, allowed) if uids else []
    if not rows:
        return Stored(mailbox.highest_modseq, ChangedRows(), newer, missing)
    if words and max(len(row[3] or ()) for row in rows) > settings.MAX_KEYWORDS:
        raise TooManyKeywords(f"A message has at most {settings.MAX_KEYWORDS} keywords.")
    unseen, deleted = _differences(rows)
    with cursor() as sql:
        sql.execute(
            "UPDATE mailboxes_mailbox SET highest_modseq = %s, flags_modseq = %s, unseen_count = unseen_count + %s, "
            "deleted_count = deleted_count + %s WHERE id = %s",
            (modseq, modseq, unseen, deleted, mailbox_id),
        )
    announce_on_commit([mailbox_id])
    if mode != "remove":
        note_keywords(mailbox, [row[0] for row in rows], words, now=now)
    return Stored(modseq, _changed(rows, modseq), newer, missing)


def _changed(rows: Rows, modseq: int) -> ChangedRows:
    return ChangedRows(
        array("q", [row[0] for row in rows]),
        array("q", [modseq]) * len(rows),
        array("h", [row[2] for row in rows]),
        {row[0]: tuple(row[3]) for row in rows if row[3]},
    )


def _differences(rows: Rows) -> tuple[int, int]:
    """How many messages more are unseen, and how many deleted."""
    counted = [(before, after) for _, before, after, _ in rows if (before ^ after) & COUNTED]
    unseen = deleted = 0
    for (before, after), count in Counter(counted).items():  # few pairs differ from each other
        unseen += count * (bool(before & Flag.SEEN) - bool(after & Flag.SEEN))
        deleted += count * (bool(after & Flag.DELETED) - bool(before & Flag.DELETED))
    return unseen, deleted


def _allowed(
    mailbox: LockedMailbox, acting_id: int | None, mode: Mode, flags: Flag, words: Sequence[str]
) -> Flag:
    """The flags that may be changed; keywords go with \\Flagged. Raises NotPermitted where none of those named may."""
    allowed = changeable_flags(rights_on(mailbox, acting_id))
    if mode == "replace":
        may = bool(allowed)
    else:
        names_nothing = not flags and not words
        may = names_nothing or bool(flags & allowed) or bool(words and allowed & KEYWORDS_AS)
    if not may:
        raise NotPermitted
    return allowed


def _divide(
    mailbox_id: int, uids: Sequence[int], unchanged_since: int
) -> tuple[list[int], list[int], list[int]]:
    """Of these UIDs, those that have not changed since, those that have, and those that are gone."""
    condition, values = uids_among(uids)
    values |= {"unchanged_since": unchanged_since, "mailbox": mailbox_id}
    with cursor() as sql:
        rows = sql.execute((DIVIDE + condition).encode(), values).fetchall()
    there = dict(rows)
    missing = [uid for uid in uids if uid not in there]
    return [uid for uid in uids if there.get(uid)], [uid for uid in uids if there.get(uid) is False], missing


def _update(
    mailbox_id: int, uids: Sequence[int], modseq: int, mode: Mode, flags: int, words: list[str], allowed: int
) -> Rows:
    """The rows that changed, in UID order."""
    condition, values = uids_among(uids)
    values |= {
        "mailbox": mailbox_id,
        "modseq": modseq,
        "kept_flags": {"add": -1, "remove": ~flags, "replace": ~int(allowed)}[mode],
        "added_flags": 0 if mode == "remove" else flags,
        "words": words,
    }
    assignments = [f"flags = {NEW_FLAGS}"]
    differences = [f"flags <> {NEW_FLAGS}"]
    if (words or mode == "replace") and allowed & KEYWORDS_AS:
        assignments.append(f"keywords = {NEW_KEYWORDS[mode]}")
        differences.append(f"keywords <> {NEW_KEYWORDS[mode]}")
    statement = (
        f"UPDATE mailboxes_message SET modseq = %(modseq)s, {', '.join(assignments)} "
        f"WHERE mailbox_id = %(mailbox)s AND {condition} AND ({' OR '.join(differences)}) "
        "RETURNING uid, old.flags, new.flags, nullif(new.keywords, '{}')"  # an empty array costs as much as a full one
    )
    with cursor() as sql:
        rows: Rows = sql.execute(statement.encode(), values).fetchall()
    rows.sort(key=itemgetter(0))
    return rows
