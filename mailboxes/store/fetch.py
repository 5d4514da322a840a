"""Reading messages: narrow rows, wire-form columns, octets or slices of them. Hot paths of IMAP and POP3.

Messages that were expunged and are still kept are found too: a session that has not been told of an EXPUNGE may
go on reading them (RFC 9051 section 7.5.1, RFC 2180 section 4.1).
"""

from collections.abc import Sequence
from typing import Any, cast

from mailhost.net.database import cursor

# What may be asked for, and where it stands. Seconds since 1970 are told faster than a datetime.
COLUMNS = {
    **{name: f"message.{name}" for name in ("flags", "keywords", "modseq", "internal_date", "saved_at")},
    "internal_seconds": "floor(extract(epoch FROM message.internal_date))::bigint",
    "saved_seconds": "floor(extract(epoch FROM message.saved_at))::bigint",
    "size_octets": "message.size_octets",
    "content_id": "message.content_id",
    **{
        name: f"content.{name}"
        for name in (
            "envelope",
            "body_structure",
            "parts",
            "header_octets",
            "message_id",
            "references",
            "subject",
            "from_display",
            "to_display",
            "sent_at",
            "preview",
            "has_attachments",
            "digest",
            "octets",
        )
    },
}
COLUMNS["references"] = 'content."references"'
HEADER = "substring(content.octets FROM 1 FOR content.header_octets)"
MAX_INTEGER = 2**31 - 1  # what substring() takes; no content is as long
TABLES = ("mailboxes_message", "mailboxes_expunged")

Row = tuple[Any, ...]


def fetch_rows(*, mailbox_id: int, uids: Sequence[int], columns: Sequence[str]) -> list[Row]:
    """For each message found, in UID order: its UID, then the columns asked for (see COLUMNS), in that order."""
    return _read(mailbox_id, uids, [COLUMNS[name] for name in columns])


def fetch_headers(*, mailbox_id: int, uids: Sequence[int]) -> list[tuple[int, bytes]]:
    """(uid, the header with the empty line that ends it), without reading the rest."""
    return cast(list[tuple[int, bytes]], _read(mailbox_id, uids, [HEADER]))


def fetch_octets(*, mailbox_id: int, uids: Sequence[int]) -> list[tuple[int, bytes]]:
    """(uid, all octets). The caller asks for no more at once than it can hold."""
    return cast(list[tuple[int, bytes]], _read(mailbox_id, uids, [COLUMNS["octets"]]))


def fetch_slice(*, mailbox_id: int, uid: int, offset: int, length: int) -> bytes | None:
    """`length` octets from `offset` (0 is the first) of one message, fewer at its end; None if it is gone."""
    bounds = (min(offset + 1, MAX_INTEGER), min(length, MAX_INTEGER))
    rows = _read(mailbox_id, [uid], ["substring(content.octets FROM %s::integer FOR %s::integer)"], bounds)
    return cast(bytes, rows[0][1]) if rows else None


def _read(
    mailbox_id: int, uids: Sequence[int], expressions: list[str], leading: tuple[Any, ...] = ()
) -> list[Row]:
    if not uids:
        return []
    rows: list[Row] = []
    wanted = set(uids)
    with cursor() as sql:
        for table in TABLES:
            found = _read_table(sql, table, mailbox_id, wanted, expressions, leading)
            rows += found
            wanted.difference_update(row[0] for row in found)
            if not wanted:
                break
    rows.sort(key=lambda row: cast(int, row[0]))
    return rows


def _read_table(
    sql: Any,
    table: str,
    mailbox_id: int,
    uids: set[int],
    expressions: list[str],
    leading: tuple[Any, ...],
) -> list[Row]:
    joined = any("content." in expression for expression in expressions)
    join = "JOIN mailboxes_content content ON content.id = message.content_id" if joined else ""
    low, high = min(uids), max(uids)
    is_dense = high - low < 2 * len(uids)  # a range scan beats as many look-ups
    condition = "message.uid BETWEEN %s AND %s" if is_dense else "message.uid = ANY(%s::bigint[])"
    selection: tuple[Any, ...] = (low, high) if is_dense else (list(uids),)
    statement = (
        f"SELECT {', '.join(['message.uid', *expressions])} FROM {table} message {join} "
        f"WHERE message.mailbox_id = %s AND {condition}"
    )
    rows: list[Row] = sql.execute(statement, (*leading, mailbox_id, *selection)).fetchall()
    if is_dense and high - low + 1 != len(uids):
        rows = [row for row in rows if row[0] in uids]
    return rows
