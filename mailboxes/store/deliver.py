"""New mail into INBOXes: one statement, one round trip, one commit, however many messages.

What the statement cannot place (somebody holds a lock, an account is full or gone) it leaves to append_batch, which
waits, or says why not.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from mailboxes.exceptions import DiskNearlyFull
from mailboxes.store.append import CONTENT_COLUMNS, GIVEN_COLUMNS, GIVEN_CONTENTS, content_parameters
from mailboxes.store.values import NewContent
from mailhost.net.announcements import announce
from mailhost.net.disk import has_room
from mailhost.net.statements import BYTEA_OID, Row, Statement, Statements, binary_array

# Locks as everywhere: usage rows, then mailboxes (the count makes the one wait for the other), each by id. A message
# goes to all of its accounts or to none. `running` also counts what does not fit: it errs towards append_batch.
DELIVER = Statement.parse(f"""
WITH wanted AS (
    SELECT number, account_id, octets, sum(octets) OVER (PARTITION BY account_id ORDER BY number) AS running
      FROM json_to_recordset(%(wanted)s::json) row(number integer, account_id bigint, octets bigint)
), usage AS MATERIALIZED (
    SELECT usage.account_id, usage.octets, account.quota_octets
      FROM mailboxes_accountusage usage JOIN mailboxes_account account ON account.id = usage.account_id
     WHERE usage.account_id = ANY(%(accounts)s::bigint[])
     ORDER BY usage.account_id FOR NO KEY UPDATE OF usage SKIP LOCKED
), inbox AS MATERIALIZED (
    SELECT id, account_id, uid_next, highest_modseq
      FROM mailboxes_mailbox
     WHERE account_id = ANY(%(accounts)s::bigint[]) AND name = 'INBOX' AND deleted_at IS NULL
       AND (SELECT count(*) FROM usage) >= 0
     ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
), looked_at AS (
    SELECT number, wanted.account_id, wanted.octets, inbox.id AS mailbox_id, uid_next, highest_modseq,
           bool_and(coalesce(inbox.id IS NOT NULL AND (quota_octets = 0 OR usage.octets + running <= quota_octets),
                             false)) OVER (PARTITION BY number) AS fits
      FROM wanted LEFT JOIN usage USING (account_id) LEFT JOIN inbox USING (account_id)
), placed AS MATERIALIZED (
    SELECT number, account_id, octets, mailbox_id, highest_modseq + 1 AS modseq,
           uid_next - 1 + row_number() OVER (PARTITION BY mailbox_id ORDER BY number) AS uid
      FROM looked_at WHERE fits
), numbered AS MATERIALIZED (
    SELECT number, nextval('mailboxes_content_id_seq') AS content_id FROM (SELECT DISTINCT number FROM placed) each
), content AS (
    INSERT INTO mailboxes_content (id, created_at, {CONTENT_COLUMNS})
    SELECT content_id, %(now)s, {GIVEN_COLUMNS}
      FROM {GIVEN_CONTENTS} JOIN numbered ON numbered.number = given.id
), message AS (
    INSERT INTO mailboxes_message (mailbox_id, uid, modseq, flags, size_octets, internal_date, keywords, content_id,
                                   saved_at)
    SELECT mailbox_id, uid, modseq, 0, octets, %(now)s, '{{}}', content_id, %(now)s
      FROM placed JOIN numbered USING (number)
), mailbox AS (
    UPDATE mailboxes_mailbox mailbox
       SET uid_next = grown.last_uid + 1, highest_modseq = grown.modseq, message_count = message_count + grown.messages,
           unseen_count = unseen_count + grown.messages, size_octets = size_octets + grown.octets
      FROM (SELECT mailbox_id, max(uid) AS last_uid, max(modseq) AS modseq, count(*) AS messages, sum(octets) AS octets
              FROM placed GROUP BY mailbox_id) grown
     WHERE mailbox.id = grown.mailbox_id
), used AS (
    UPDATE mailboxes_accountusage usage
       SET octets = usage.octets + grown.octets, messages = usage.messages + grown.messages
      FROM (SELECT account_id, count(*) AS messages, sum(octets) AS octets FROM placed GROUP BY account_id) grown
     WHERE usage.account_id = grown.account_id
)
SELECT number, account_id, mailbox_id, content_id, uid FROM placed JOIN numbered USING (number)
""")


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message that is in all of its INBOXes: the UID in each, by account id."""

    content_id: int
    uids: dict[int, int]


Message = tuple[NewContent, Sequence[int]]  # with the accounts it is for


async def deliver(
    statements: Statements, messages: Sequence[Message], *, now: datetime
) -> list[Delivered | None]:
    """Puts each content into the INBOX of each of its accounts; None for those left to append_batch.

    A transaction of its own. Waits for no lock. Raises DiskNearlyFull, StoreUnavailable.
    """
    if not has_room():
        raise DiskNearlyFull
    return outcome(messages, await statements.fetch(DELIVER, parameters(messages, now=now)))


def parameters(messages: Sequence[Message], *, now: datetime) -> dict[str, bytes]:
    """What DELIVER needs; a message that is too large for any door is left out."""
    wanted = [
        {"number": number, "account_id": account_id, "octets": len(content.octets)}
        for number, (content, account_ids) in enumerate(messages)
        for account_id in account_ids
        if len(content.octets) <= settings.MAX_MESSAGE_OCTETS
    ]
    accounts = {account_id for _, account_ids in messages for account_id in account_ids}
    given = content_parameters([(number, content) for number, (content, _) in enumerate(messages)])
    return {
        "accounts": b"{%s}" % ",".join(map(str, accounts)).encode(),
        "wanted": json.dumps(wanted).encode(),
        "contents": given.pop("contents").encode(),
        **{name: binary_array(octets, oid=BYTEA_OID) for name, octets in given.items()},
        "now": now.isoformat().encode(),
    }


def outcome(messages: Sequence[Message], rows: list[Row]) -> list[Delivered | None]:
    """What DELIVER's rows say, for each message; the mailboxes are announced."""
    delivered: list[Delivered | None] = [None] * len(messages)
    mailbox_ids = set()
    for row in rows:
        number, account_id, mailbox_id, content_id, uid = [int(value or 0) for value in row]
        found = delivered[number]
        if found is None:
            found = delivered[number] = Delivered(content_id, {})
        found.uids[account_id] = uid
        mailbox_ids.add(mailbox_id)
    announce(mailbox_ids)
    return delivered
