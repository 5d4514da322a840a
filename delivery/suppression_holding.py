"""What is in the queue and not to be tried, because an address is on the sender's suppression list: bounced, and told.

Asked when a message is queued that may leave at once (where RCPT refuses nothing), and when one leaves that had to
wait: for its time, or for whoever held it. What was put on the list or lifted meanwhile counts, and nothing bounces of
what its sender may still take back.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from delivery.suppression import ACTIVE, COLUMNS, POSTMASTER, STATUS, Suppressed, key_of_path
from delivery.trace.outbound import traced
from mailhost.net.database import cursor
from mailhost.protocols.bounce_causes import Cause
from mailhost.protocols.cause_words import SUPPRESSED

LEAVING: Final = ("queued", "captured")  # of what is queued: the others are asked for when they are released
RELEASED: Final = ("queued",)

# Of senders who have a list at all: nearly nobody has one, and then this is all that is asked. What goes to accounts
# here, and notices, are no matter of the list.
QUEUED: Final = """
WITH queued AS MATERIALIZED (
    SELECT recipient.id, message.account_id, recipient.forward_path
      FROM delivery_queuedrecipient recipient
      JOIN delivery_queuedmessage message ON message.id = recipient.message_id
      JOIN delivery_destination destination ON destination.id = recipient.destination_id
     WHERE recipient.{which} = ANY(%(ids)s::bigint[]) AND recipient.state = ANY(%(states)s::text[])
       AND destination.name <> '' AND message.reverse_path <> '' AND message.account_id IS NOT NULL),
sender AS MATERIALIZED (
    SELECT account.id, address.domain_id
      FROM (SELECT DISTINCT account_id FROM queued) own
      JOIN mailboxes_account account ON account.id = own.account_id
      LEFT JOIN domains_address address ON address.id = account.address_id
     WHERE EXISTS (SELECT FROM delivery_suppression WHERE account_id = account.id)
        OR EXISTS (SELECT FROM delivery_suppression WHERE domain_id = address.domain_id))
SELECT queued.id, sender.id, sender.domain_id, queued.forward_path
  FROM queued JOIN sender ON sender.id = queued.account_id
"""
FOUND: Final = f"""
SELECT DISTINCT ON (asked.id) asked.id, {COLUMNS}
  FROM unnest(%(ids)s::bigint[], %(accounts)s::bigint[], %(domains)s::bigint[], %(addresses)s::text[])
       asked(id, account_id, domain_id, address)
  JOIN delivery_suppression suppression ON suppression.address = asked.address AND {ACTIVE}
   AND (suppression.account_id = asked.account_id OR suppression.domain_id = asked.domain_id)
 ORDER BY asked.id, suppression.domain_id NULLS LAST
""".encode()
HOLD_BACK: Final = b"""
WITH held_back AS (
    UPDATE delivery_queuedrecipient recipient
       SET state = 'bounced', finished_at = %(now)s, last_status = %(status)s, last_reply = row.reply,
           cause = row.cause,
           report_due = CASE WHEN recipient.notify = '' OR upper(recipient.notify) LIKE '%%FAILURE%%'
                             THEN 'failed' ELSE '' END
      FROM unnest(%(ids)s::bigint[], %(replies)s::text[], %(causes)s::text[]) row(id, reply, cause)
     WHERE recipient.id = row.id AND recipient.state = ANY(%(states)s::text[])
 RETURNING recipient.id, recipient.message_id, recipient.forward_path, recipient.cause, recipient.last_reply)
"""
HAPPENED: Final = b"""
SELECT id AS recipient_id, message_id AS queue_id, forward_path, %(now)s::timestamptz AS at, '' AS host, '' AS address,
       'bounced' AS outcome, cause, last_reply AS reply, '' AS tls, '' AS certificate, '' AS signing
  FROM held_back
"""


def hold_back_queued(*, message_ids: Collection[int], now: datetime) -> None:
    """Of messages that were queued just now and wait for nothing, in the same transaction."""
    _hold_back("message_id", message_ids, LEAVING, now)


def hold_back_released(*, recipient_ids: Collection[int], now: datetime) -> None:
    """Of recipients whose turn has come just now, in the same transaction; one statement where nobody has a list."""
    _hold_back("id", recipient_ids, RELEASED, now)


def _hold_back(which: str, ids: Collection[int], states: Sequence[str], now: datetime) -> None:
    if not ids:
        return
    with cursor() as sql:
        asked = {"ids": list(ids), "states": list(states)}
        queued = sql.execute(QUEUED.format(which=which).encode(), asked).fetchall()
        found = _suppressed(queued, now) if queued else {}
        if not found:
            return
        told = {
            "ids": list(found),
            "replies": [f"{SUPPRESSED} {each.reply}" for each in found.values()],
            "causes": [each.cause or Cause.POLICY.value for each in found.values()],
            "states": list(states),
            "status": STATUS,
            "now": now,
        }
        sql.execute(traced(HAPPENED, after=HOLD_BACK), told)


def _suppressed(queued: Sequence[tuple[Any, ...]], now: datetime) -> dict[int, Suppressed]:
    """By the recipient's id; rows as of QUEUED."""
    keyed = [(*row[:3], key_of_path(row[3])) for row in queued]
    asked = [row for row in keyed if not row[3].startswith(POSTMASTER)]
    ids, accounts, domains, addresses = ([row[number] for row in asked] for number in range(4))
    values = {"ids": ids, "accounts": accounts, "domains": domains, "addresses": addresses, "now": now}
    with cursor() as sql:
        return {row[0]: Suppressed.of(row[1:]) for row in sql.execute(FOUND, values)}
