"""Opening a mailbox: one row for SELECT, and the arrays of its messages when they are first needed."""

import sys
from array import array

from django.db import transaction

from mailboxes.exceptions import MailboxNotFound
from mailboxes.store.locks import one
from mailboxes.store.rights import find
from mailboxes.store.values import Selected, View
from mailhost.net.database import cursor, snapshot

CLAIM_RECENT = """
UPDATE mailboxes_mailbox SET first_recent_uid = uid_next
 WHERE id = %s AND first_recent_uid < uid_next
RETURNING old.first_recent_uid
"""
# Whole columns as octets: nothing is done in Python for each message.
COLUMNS = """
SELECT string_agg(int8send(uid), ''::bytea), string_agg(int2send(flags), ''::bytea),
       string_agg(int8send(modseq), ''::bytea)
  FROM (SELECT uid, flags, modseq FROM mailboxes_message WHERE mailbox_id = %s ORDER BY uid) message
"""
KEYWORDS = "SELECT uid, keywords FROM mailboxes_message WHERE mailbox_id = %s AND keywords <> '{}'"


@transaction.atomic
def select_mailbox(*, account_id: int, name: str, claim_recent: bool) -> Selected:
    """The mailbox's row; with claim_recent what is \\Recent is so for this session alone (RFC 3501 section 2.3.2).

    In another's mailbox nobody but its owner claims that. Raises MailboxNotFound, NotPermitted.
    """
    entry = find(account_id=account_id, name=name, needed="r")
    first_recent_uid = entry.first_recent_uid
    if claim_recent and entry.account_id == account_id and first_recent_uid < entry.uid_next:
        claimed = one(CLAIM_RECENT, (entry.mailbox_id,))
        first_recent_uid = claimed[0] if claimed else entry.uid_next
    return Selected(entry, first_recent_uid)


def load_view(*, mailbox_id: int) -> View:
    """All messages of the mailbox at one moment. Raises MailboxNotFound."""
    with snapshot(), cursor() as sql:
        row = sql.execute(
            "SELECT highest_modseq, uid_next FROM mailboxes_mailbox WHERE id = %s AND deleted_at IS NULL",
            (mailbox_id,),
        ).fetchone()
        if row is None:
            raise MailboxNotFound(str(mailbox_id))
        columns = sql.execute(COLUMNS, (mailbox_id,)).fetchone() or (b"", b"", b"")
        keywords = {uid: tuple(words) for uid, words in sql.execute(KEYWORDS, (mailbox_id,))}
    uids, flags, modseqs = (
        _from_network_order(code, octets) for code, octets in zip("qhq", columns, strict=True)
    )
    return View(row[0], row[1], uids, flags, modseqs, keywords)


def _from_network_order(code: str, octets: bytes | None) -> "array[int]":
    values: array[int] = array(code, octets or b"")
    if sys.byteorder == "little":
        values.byteswap()
    return values
