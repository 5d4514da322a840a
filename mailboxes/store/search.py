"""SEARCH (RFC 3501 section 6.4.4) in one mailbox: what columns know in SQL, texts from the index, the rest verified.

A key is compiled twice: to a condition that no matching message escapes (a superset, exact where columns alone
decide), and, where that is not exact, to a predicate over what the message says. Text keys are put to the index first
(search_index.py), which makes UIDs of them; what it has not seen yet, or cannot say for sure, is read. Candidates are
read in chunks, so memory is bounded by one chunk whatever the mailbox holds, and no transaction stays open meanwhile.
"""

from collections.abc import Callable, Iterator, Sequence

from mailboxes.store.fetch import fetch_headers, fetch_octets
from mailboxes.store.search_answers import Indexed, Leaf
from mailboxes.store.search_candidates import Candidate
from mailboxes.store.search_conditions import compile_condition
from mailboxes.store.search_index import ReadsMuch, ask
from mailboxes.store.search_predicates import Needs, compile_predicate
from mailhost.net.database import cursor
from mailhost.net.store_threads import report
from mailhost.protocols.imap.search_keys import And, HeaderHolds, Not, Or, SearchKey, TextHolds, Uids

ROWS_AT_ONCE = 1_000
OCTETS_AT_ONCE = 4 << 20
FEW_UIDS = 1_000  # that are looked up one by one rather than in a scan of the mailbox
FEW_MESSAGES = 100  # read within a few milliseconds
FEW_OCTETS = 1 << 20

HIGHEST_MODSEQ = """
SELECT max(modseq) FROM mailboxes_message WHERE mailbox_id = %s AND uid = ANY(%s::bigint[])
"""
COUNT_FROM = "SELECT count(*) FROM mailboxes_message WHERE mailbox_id = %s AND uid >= %s AND uid < %s"
FIRST_UNSEEN = """
SELECT count(*) FROM mailboxes_message
 WHERE mailbox_id = %(mailbox)s
   AND uid <= (SELECT min(uid) FROM mailboxes_message WHERE mailbox_id = %(mailbox)s AND flags & 1 = 0)
"""
_MAX_UID = (1 << 32) - 1
MATCHES = """
SELECT message.uid FROM mailboxes_message message {join}
 WHERE message.mailbox_id = %s AND message.uid > %s AND message.uid <= %s AND ({condition}) ORDER BY message.uid
"""
CANDIDATES = """
SELECT message.uid, message.flags, message.keywords, message.internal_date, message.saved_at, message.modseq,
       message.content_id, message.size_octets, content.sent_at, content.header_octets
  FROM mailboxes_message message JOIN mailboxes_content content ON content.id = message.content_id
 WHERE message.mailbox_id = %s AND message.uid > %s AND message.uid <= %s AND ({condition})
 ORDER BY message.uid LIMIT {limit}
"""


def search(*, mailbox_id: int, key: SearchKey, is_patient: bool = True) -> list[int]:
    """The UIDs of the messages that match, ascending. The key holds no sequence numbers, `*` or \\Recent.

    Raises ReadsMuch, unless is_patient.
    """
    leaves = list(dict.fromkeys(_text_keys(key)))
    indexed = ask(mailbox_id=mailbox_id, leaves=leaves, is_patient=is_patient) if leaves else None
    if indexed is None:
        return _scan(mailbox_id, key, (0, _MAX_UID), is_patient=is_patient)
    if leaves == [key] and not indexed.may_have_gone and indexed.answers[leaves[0]].is_certain:
        return indexed.answers[leaves[0]].uids()
    span = (0, indexed.indexed_to)
    found = _scan(mailbox_id, indexed.resolved(key), span, is_patient=is_patient, asked=_asked(indexed))
    if indexed.last_uid > indexed.indexed_to:
        found += _scan(mailbox_id, key, (indexed.indexed_to, _MAX_UID), is_patient=is_patient)
    return found


def _text_keys(key: SearchKey) -> Iterator[Leaf]:
    match key:
        case And(keys) | Or(keys):
            for each in keys:
                yield from _text_keys(each)
        case Not(inner):
            yield from _text_keys(inner)
        case HeaderHolds() | TextHolds():
            yield key


def _asked(indexed: Indexed) -> Callable[[Candidate], bool]:
    """Which candidates the resolved key asks for what they say."""
    ranges = tuple(sorted({each for answer in indexed.answers.values() for each in answer.maybe()}))
    is_asked, _ = compile_predicate(Uids(ranges))
    return is_asked


def _scan(
    mailbox_id: int,
    key: SearchKey,
    span: tuple[int, int],
    *,
    is_patient: bool,
    asked: Callable[[Candidate], bool] = lambda candidate: True,
) -> list[int]:
    """The matching UIDs above the first and up to the second of the span."""
    condition = compile_condition(key)
    sql, parameters = condition.sql, [mailbox_id, *span, *condition.parameters]
    uids = _narrowed(key)
    if uids is not None:
        sql, parameters = f"{sql}) AND (message.uid = ANY(%s::bigint[])", [*parameters, uids]
    if condition.is_exact:
        join = "JOIN mailboxes_content content ON content.id = message.content_id"
        statement = MATCHES.format(condition=sql, join=join if condition.of_content else "")
        with cursor() as read:
            return [uid for (uid,) in read.execute(statement.encode(), parameters)]
    predicate, needs = compile_predicate(key)
    statement = CANDIDATES.format(condition=sql, limit=ROWS_AT_ONCE)
    found: list[int] = []
    looked_at = 0
    while True:
        with cursor() as read:
            rows = read.execute(statement.encode(), parameters).fetchall()
        candidates = [Candidate(mailbox_id, *row) for row in rows]
        if needs is not Needs.COLUMNS:
            sought = [candidate for candidate in candidates if asked(candidate)]
            if not is_patient and _is_much(sought, needs):
                raise ReadsMuch
        for group in _groups(candidates, needs):
            looked_at += len(group)
            report(looked_at)
            _read(mailbox_id, [candidate for candidate in group if asked(candidate)], needs)
            found += [candidate.uid for candidate in group if predicate(candidate)]
            for candidate in group:
                candidate.forget()
        if len(rows) < ROWS_AT_ONCE:
            return found
        parameters[1] = rows[-1][0]


def _narrowed(key: SearchKey) -> list[int] | None:
    """UIDs of which each match is one, where there are few."""
    match key:
        case Uids(ranges) if sum(high - low for low, high in ranges) <= FEW_UIDS:
            return [uid for low, high in ranges for uid in range(low, high)]
        case And(keys):
            return min(
                (uids for each in keys if (uids := _narrowed(each)) is not None), key=len, default=None
            )
        case Or(keys):
            several = [_narrowed(each) for each in keys]
            uids = sorted({uid for some in several if some is not None for uid in some})
            return uids if None not in several and len(uids) <= FEW_UIDS else None
        case _:
            return None


def _is_much(candidates: Sequence[Candidate], needs: Needs) -> bool:
    octets = sum(_octets_needed(candidate, needs) for candidate in candidates)
    return len(candidates) > FEW_MESSAGES or octets > FEW_OCTETS


def _octets_needed(candidate: Candidate, needs: Needs) -> int:
    return candidate.size_octets if needs is Needs.OCTETS else candidate.header_octets


def reads_messages(key: SearchKey) -> bool:
    """Whether headers or octets are read: a search that takes long."""
    return not compile_condition(key).is_exact


def _groups(candidates: Sequence[Candidate], needs: Needs) -> Iterator[Sequence[Candidate]]:
    """Neighbours whose octets are held together."""
    start = octets = 0
    for at, candidate in enumerate(candidates):
        size = _octets_needed(candidate, needs)
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
        for uid, octets in fetch_octets(mailbox_id=mailbox_id, uids=list(by_uid)):
            by_uid[uid].octets = octets
            by_uid[uid].header = octets[: by_uid[uid].header_octets]


def highest_modseq(*, mailbox_id: int, uids: Sequence[int]) -> int | None:
    """The highest MODSEQ among these messages (RFC 7162 section 3.1.5); None where none of them is there."""
    with cursor() as sql:
        row = sql.execute(HIGHEST_MODSEQ, (mailbox_id, list(uids))).fetchone()
    return row[0] if row else None


def last_uid(*, mailbox_id: int) -> int:
    """The highest UID that there is, which is what `*` means; 0 where there is no message."""
    with cursor() as sql:
        row = sql.execute(
            "SELECT max(uid) FROM mailboxes_message WHERE mailbox_id = %s", (mailbox_id,)
        ).fetchone()
    return row[0] or 0 if row else 0


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
