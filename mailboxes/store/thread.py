"""THREAD (RFC 5256 section 3) from what delivery worked out: ids, references, base subjects and dates."""

from collections.abc import Sequence

from mailboxes.store.search import search
from mailboxes.store.sort import read_rows
from mailhost.protocols.caseless import casemap
from mailhost.protocols.imap.search_keys import SearchKey
from mailhost.protocols.imap.sorting import Algorithm
from mailhost.protocols.imap.threads import Forest, Head, ReferencesThreading, by_ordered_subject
from mailhost.protocols.message.base_subject import is_reply_or_forward

HEADS_AT_ONCE = 5_000
REFERENCES_AT_ONCE = 1_000
COLUMNS = (
    "message.uid",
    "coalesce(content.sent_at, message.internal_date)",
    "content.sort_subject",
    "content.subject",
    "content.message_id",
)


def thread(*, mailbox_id: int, key: SearchKey, algorithm: Algorithm) -> Forest:
    """The threads of the messages that match."""
    uids = search(mailbox_id=mailbox_id, key=key)
    heads = _heads(mailbox_id, uids)
    if algorithm is Algorithm.ORDEREDSUBJECT:
        return by_ordered_subject(heads)
    threading = ReferencesThreading(heads)
    for start in range(0, len(heads), REFERENCES_AT_ONCE):
        some = [head.uid for head in heads[start : start + REFERENCES_AT_ONCE]]
        found: dict[int, list[str]] = dict(
            read_rows(mailbox_id, some, ["message.uid", 'content."references"'])
        )
        for node, uid in enumerate(some, start=start):
            threading.refer(node, found.get(uid, ()))  # gone meanwhile: as if it had none
    return threading.finish()


def _heads(mailbox_id: int, uids: Sequence[int]) -> list[Head]:
    heads = []
    for start in range(0, len(uids), HEADS_AT_ONCE):
        for uid, sent_at, base, subject, message_id in read_rows(
            mailbox_id, uids[start : start + HEADS_AT_ONCE], COLUMNS
        ):
            is_valid = message_id.startswith("<") and message_id.endswith(">")
            # Most subjects are their own base: only the others are worth a closer look.
            is_reply = casemap(subject) != base and is_reply_or_forward(subject)
            heads.append(Head(uid, sent_at, base, is_reply, message_id if is_valid else ""))
    return heads
