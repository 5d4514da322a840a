"""SEARCH (RFC 3501 section 6.4.4) in one mailbox: what columns know in SQL, the rest verified on the candidates.

A key is compiled twice: to a condition that no matching message escapes (a superset, exact where columns alone
decide), and, where that is not exact, to a predicate over what the message says. Candidates are read in chunks,
so memory is bounded by one chunk whatever the mailbox holds, and no transaction stays open meanwhile.
"""

from collections.abc import Iterator, Sequence

from mailboxes.store.fetch import fetch_headers, fetch_octets
from mailboxes.store.search_candidates import Candidate
from mailboxes.store.search_conditions import compile_condition
from mailboxes.store.search_predicates import Needs, compile_predicate
from mailhost.net.database import cursor
from mailhost.protocols.imap.search_keys import SearchKey

ROWS_AT_ONCE = 1_000
OCTETS_AT_ONCE = 4 << 20

HIGHEST_MODSEQ = """
SELECT max(modseq) FROM mailboxes_message WHERE mailbox_id = %s AND uid = ANY(%s::bigint[])
"""
COUNT_FROM = "SELECT count(*) FROM mailboxes_message WHERE mailbox_id = %s AND uid >= %s AND uid < %s"
FIRST_UNSEEN = """
SELECT count(*) FROM mailboxes_message
 WHERE mailbox_id = %(mailbox)s
   AND uid <= (SELECT min(uid) FROM mailboxes_message WHERE mailbox_id = %(mailbox)s AND flags & 1 = 0)
"""
CANDIDATES = """
SELECT message.uid, message.flags, message.keywords, message.internal_date, message.saved_at, message.modseq,
       message.content_id, message.size_octets, content.sent_at, content.header_octets
  FROM mailboxes_message message JOIN mailboxes_content content ON content.id = message.content_id
 WHERE message.mailbox_id = %s AND message.uid > %s AND ({condition})
 ORDER BY message.uid LIMIT {limit}
"""


def search(*, mailbox_id: int, key: SearchKey) -> list[int]:
    """The UIDs of the messages that match, ascending. The key holds no sequence numbers, `*` or \\Recent."""
    condition = compile_condition(key)
    if condition.is_exact:
        join = (
            "JOIN mailboxes_content content ON content.id = message.content_id"
            if condition.of_content
            else ""
        )
        statement = (
            f"SELECT message.uid FROM mailboxes_message message {join} "
            f"WHERE message.mailbox_id = %s AND ({condition.sql}) ORDER BY message.uid"
        )
        with cursor() as sql:
            return [uid for (uid,) in sql.execute(statement.encode(), [mailbox_id, *condition.parameters])]
    predicate, needs = compile_predicate(key)
    statement = CANDIDATES.format(condition=condition.sql, limit=ROWS_AT_ONCE)
    found: list[int] = []
    last = 0
    while True:
        with cursor() as sql:
            rows = sql.execute(statement.encode(), [mailbox_id, last, *condition.parameters]).fetchall()
        candidates = [Candidate(mailbox_id, *row) for row in rows]
        for group in _groups(candidates, needs):
            _read(mailbox_id, group, needs)
            found += [candidate.uid for candidate in group if predicate(candidate)]
            for candidate in group:
                candidate.forget()
        if len(rows) < ROWS_AT_ONCE:
            return found
        last = rows[-1][0]


def reads_messages(key: SearchKey) -> bool:
    """Whether headers or octets are read: a search that takes long."""
    return not compile_condition(key).is_exact


def _groups(candidates: Sequence[Candidate], needs: Needs) -> Iterator[Sequence[Candidate]]:
    """Neighbours whose octets are held together."""
    start = octets = 0
    for at, candidate in enumerate(candidates):
        size = candidate.header_octets if needs is not Needs.OCTETS else candidate.size_octets
        if at > start and octets + size > OCTETS_AT_ONCE:
            yield candidates[start:at]
            start, octets = at, 0
        octets += size
    if start < len(candidates):
        yield candidates[start:]


def _read(mailbox_id: int, group: Sequence[Candidate], needs: Needs) -> None:
    by_uid = {candidate.uid: candidate for candidate in group}
    if needs is Needs.HEADER:
        for uid, header in fetch_headers(mailbox_id=mailbox_id, uids=list(by_uid)):
            by_uid[uid].header = header
    elif needs is Needs.OCTETS:
        for uid, octets, _ in fetch_octets(mailbox_id=mailbox_id, uids=list(by_uid)):
            by_uid[uid].octets = octets
            by_uid[uid].header = octets[: by_uid[uid].header_octets]


def highest_modseq(*, mailbox_id: int, uids: Sequence[int]) -> int | None:
    """The highest MODSEQ among these messages (RFC 7162 section 3.1.5); None where none of them is there."""
    with cursor() as sql:
        row = sql.execute(HIGHEST_MODSEQ, (mailbox_id, list(uids))).fetchone()
    return row[0] if row else None


def count_from(*, mailbox_id: int, uid: int, below: int) -> int:
    """How many messages have UIDs from `uid` up to, not including, `below`."""
    with cursor() as sql:
        row = sql.execute(COUNT_FROM, (mailbox_id, uid, below)).fetchone()
    return row[0] if row else 0


def first_unseen(*, mailbox_id: int) -> int:
    """The sequence number of the first message without \\Seen; 0 where there is none."""
    with cursor() as sql:
        row = sql.execute(FIRST_UNSEEN, {"mailbox": mailbox_id}).fetchone()
    return row[0] if row else 0
