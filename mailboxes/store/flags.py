"""Changing flags and keywords (RFC 9051 section 6.4.6)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from django.conf import settings
from django.db import transaction

from mailboxes.exceptions import TooManyKeywords
from mailboxes.store.keywords import checked_keywords
from mailboxes.store.locks import announce_on_commit, lock_mailboxes
from mailboxes.store.values import ChangedRow, Flag, Stored
from mailhost.net.database import cursor

Mode = Literal["add", "remove", "replace"]

SEEN, DELETED = int(Flag.SEEN), int(Flag.DELETED)  # an IntFlag takes half a microsecond for each &

NEW_FLAGS = {"add": "flags | %s", "remove": "flags & ~%s", "replace": "%s"}
# Keywords compare caselessly (RFC 9051 section 2.3.2) and keep the spelling in which they came first.
NEW_KEYWORDS = {
    "add": """keywords || ARRAY(SELECT word FROM unnest(%s::text[]) word
               WHERE lower(word) <> ALL(ARRAY(SELECT lower(old_word) FROM unnest(keywords) old_word)))""",
    "remove": """ARRAY(SELECT word FROM unnest(keywords) WITH ORDINALITY each(word, place)
                 WHERE lower(word) <> ALL(SELECT lower(gone) FROM unnest(%s::text[]) gone) ORDER BY place)""",
    "replace": "%s::text[]",
}


@transaction.atomic
def store_flags(
    *,
    mailbox_id: int,
    uids: Sequence[int],
    mode: Mode,
    flags: Flag,
    keywords: Sequence[str] = (),
    now: datetime,
) -> Stored:
    """Adds, removes or replaces flags of these messages; rows that are so already are left alone.

    Raises MailboxNotFound, TooManyKeywords, KeywordInvalid.
    """
    words = list(checked_keywords(keywords))
    mailbox = lock_mailboxes([mailbox_id])[mailbox_id]
    modseq = mailbox.highest_modseq + 1
    rows = _update(mailbox_id, uids, modseq, mode, int(flags), words) if uids else []
    if not rows:
        return Stored(mailbox.highest_modseq, [])
    if words and max(len(row[3]) for row in rows) > settings.MAX_KEYWORDS:
        raise TooManyKeywords(f"A message has at most {settings.MAX_KEYWORDS} keywords.")
    unseen = sum((before & SEEN) - (after & SEEN) for _, before, after, _ in rows) // SEEN
    deleted = sum((after & DELETED) - (before & DELETED) for _, before, after, _ in rows) // DELETED
    with cursor() as sql:
        sql.execute(
            "UPDATE mailboxes_mailbox SET highest_modseq = %s, flags_modseq = %s, unseen_count = unseen_count + %s, "
            "deleted_count = deleted_count + %s WHERE id = %s",
            (modseq, modseq, unseen, deleted, mailbox_id),
        )
    announce_on_commit([mailbox_id])
    return Stored(modseq, [ChangedRow(row[0], modseq, row[2], tuple(row[3])) for row in sorted(rows)])


def _update(
    mailbox_id: int, uids: Sequence[int], modseq: int, mode: Mode, flags: int, words: list[str]
) -> list[tuple[int, int, int, list[str]]]:
    """(uid, flags before, flags now, keywords now) of the rows that changed."""
    assignments = [f"flags = {NEW_FLAGS[mode]}"]
    differences = [f"flags <> {NEW_FLAGS[mode]}"]
    values: list[Any] = [flags]
    if words or mode == "replace":
        assignments.append(f"keywords = {NEW_KEYWORDS[mode]}")
        differences.append(f"keywords <> {NEW_KEYWORDS[mode]}")
        values.append(words)
    selection: list[Any] = [min(uids), max(uids)]
    if selection[1] - selection[0] + 1 == len(uids) == len(set(uids)):
        condition = "uid BETWEEN %s AND %s"  # a third faster than as many look-ups
    else:
        condition, selection = "uid = ANY(%s::bigint[])", [list(uids)]
    statement = (
        f"UPDATE mailboxes_message SET modseq = %s, {', '.join(assignments)} "
        f"WHERE mailbox_id = %s AND {condition} AND ({' OR '.join(differences)}) "
        "RETURNING uid, old.flags, new.flags, new.keywords"
    )
    with cursor() as sql:
        return sql.execute(statement.encode(), [modseq, *values, mailbox_id, *selection, *values]).fetchall()
