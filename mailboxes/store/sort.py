"""SORT (RFC 5256 section 3) by the columns that delivery worked out; SORT=DISPLAY (RFC 5957) by the envelope.

Texts are kept in the form that i;unicode-casemap compares (RFC 5051, RFC 5255), so that their order is that of octets.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from mailboxes.store.search import search
from mailhost.net.database import cursor
from mailhost.protocols.caseless import casemap
from mailhost.protocols.imap.search_keys import SearchKey
from mailhost.protocols.imap.sorting import DISPLAY, Criterion, SortKey
from mailhost.protocols.message.envelope_reading import FROM, TO, first_address
from mailhost.protocols.message.text import decode_words, one_line

EXPRESSIONS = {
    SortKey.ARRIVAL: "message.internal_date",
    # Section 2.2: without a date that can be read, the internal one stands for it.
    SortKey.DATE: "coalesce(content.sent_at, message.internal_date)",
    SortKey.SIZE: "message.size_octets",
    SortKey.SUBJECT: 'content.sort_subject COLLATE "C"',
    SortKey.FROM: 'content.sort_from COLLATE "C"',
    SortKey.TO: 'content.sort_to COLLATE "C"',
    SortKey.CC: 'content.sort_cc COLLATE "C"',
    SortKey.DISPLAYFROM: "content.envelope",
    SortKey.DISPLAYTO: "content.envelope",
}
PLACES = {SortKey.DISPLAYFROM: FROM, SortKey.DISPLAYTO: TO}
ENVELOPES_AT_ONCE = 1_000
MAX_NAME_CHARACTERS = 1_000

Row = tuple[Any, ...]


def sort(*, mailbox_id: int, key: SearchKey, criteria: Sequence[Criterion]) -> list[int]:
    """The UIDs of the messages that match, in that order; among equals in mailbox order (section 3)."""
    uids = search(mailbox_id=mailbox_id, key=key)
    if not uids:
        return []
    if not any(criterion.key in DISPLAY for criterion in criteria):
        order = [f"{EXPRESSIONS[each.key]}{' DESC' if each.is_reverse else ''}" for each in criteria]
        return [uid for (uid,) in read_rows(mailbox_id, uids, ["message.uid"], order=[*order, "message.uid"])]
    rows = list(_rows_with_names(mailbox_id, uids, [criterion.key for criterion in criteria]))
    for place, criterion in reversed(list(enumerate(criteria, start=1))):
        rows.sort(key=lambda row, place=place: row[place], reverse=criterion.is_reverse)  # type: ignore[misc]
    return [row[0] for row in rows]


def read_rows(
    mailbox_id: int, uids: Sequence[int], columns: Sequence[str], *, order: Sequence[str] = ("message.uid",)
) -> list[Row]:
    """Columns of messages and their contents; `uids` ascending. What has gone meanwhile is not among them."""
    low, high = uids[0], uids[-1]
    is_all = high - low + 1 == len(uids)
    condition = "message.uid BETWEEN %s AND %s" if is_all else "message.uid = ANY(%s::bigint[])"
    selection: tuple[Any, ...] = (low, high) if is_all else (list(uids),)
    joins = any("content." in each for each in (*columns, *order))
    join = "JOIN mailboxes_content content ON content.id = message.content_id" if joins else ""
    statement = (
        f"SELECT {', '.join(columns)} FROM mailboxes_message message {join} "
        f"WHERE message.mailbox_id = %s AND {condition} ORDER BY {', '.join(order)}"
    )
    with cursor() as sql:
        rows: list[Row] = sql.execute(statement.encode(), (mailbox_id, *selection)).fetchall()
    return rows


def _rows_with_names(mailbox_id: int, uids: Sequence[int], keys: Sequence[SortKey]) -> Iterator[Row]:
    """uid and the keys' values, envelopes a chunk at a time made into names."""
    columns = ["message.uid", *(EXPRESSIONS[key] for key in keys)]
    for start in range(0, len(uids), ENVELOPES_AT_ONCE):
        for row in read_rows(mailbox_id, uids[start : start + ENVELOPES_AT_ONCE], columns):
            values = zip(keys, row[1:], strict=True)
            yield (
                row[0],
                *(display_key(value, PLACES[key]) if key in PLACES else value for key, value in values),
            )


def display_key(envelope: bytes, place: int) -> str:
    """RFC 5957 section 3: the first address's display name; without one its mailbox@host; "" without an address."""
    address = first_address(envelope, place)
    if address is None:
        return ""
    name = one_line(decode_words(address.name), limit=MAX_NAME_CHARACTERS)
    if not name:
        spec = b"%b@%b" % (address.mailbox, address.host) if address.host else address.mailbox
        name = one_line(decode_words(spec), limit=MAX_NAME_CHARACTERS)
    return casemap(name)
