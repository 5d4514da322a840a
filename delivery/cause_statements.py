"""The statements of causes.py: rows of (kind, destination, cause, number, is_more, since, next try, host, reply).

The kind is "waiting", "failing" (a destination that reaches no host), "failed", "complaint" or "doubtful" (a complaint
that nobody vouches for; the next try is then the latest, the reply the sender), or "cut": there is more than was looked
at.
"""

from typing import Final

LAST: Final = (1 << 63) - 1  # what no id is
# Where there are few groups each is counted far, where there are many all of them take no longer.
MOST: Final = "greatest(%(least)s::bigint, least(%(count)s, %(counted)s / greatest(count(*), 1)))"
WAITS: Final = "recipient.state IN ('queued', 'deferred')"
# The index recipient_waits_why is stepped through from one destination of a cause to the next, and never read whole.
# Comparing rows, not columns, leaves no other index to choose: each of them would read all of a cause that is rare.
WAITING: Final = f"""
WITH RECURSIVE step(cause, destination_id, number) AS (
    (SELECT cause, destination_id, 1 FROM delivery_queuedrecipient recipient
      WHERE {WAITS} AND cause <> '' ORDER BY cause, destination_id LIMIT 1)
    UNION ALL
    SELECT next.cause, next.destination_id, CASE WHEN next.cause = step.cause THEN step.number + 1 ELSE 1 END
      FROM step
     CROSS JOIN LATERAL (
           SELECT cause, destination_id FROM delivery_queuedrecipient recipient
            WHERE {WAITS} AND cause <> ''
              AND (recipient.cause, recipient.destination_id)
                  > (step.cause, CASE WHEN step.number < %(destinations)s THEN step.destination_id ELSE {LAST} END)
            ORDER BY recipient.cause, recipient.destination_id LIMIT 1) next),
most AS MATERIALIZED (SELECT {MOST} AS number FROM step)
SELECT destination.name, step.cause, least(counted.number, most.number), counted.number > most.number,
       coalesce(message.released_at, message.created_at),
       due.next_attempt_at, latest.last_host, left(latest.last_reply, %(reply)s)
  FROM step
 CROSS JOIN most
  JOIN delivery_destination destination ON destination.id = step.destination_id AND destination.failures = 0
 CROSS JOIN LATERAL (
       SELECT count(*) AS number, min(id) AS first_id, max(id) AS latest_id
         FROM (SELECT id FROM delivery_queuedrecipient recipient
                WHERE {WAITS} AND cause <> ''
                  AND (recipient.cause, recipient.destination_id, id) > (step.cause, step.destination_id, 0)
                  AND (recipient.cause, recipient.destination_id, id) < (step.cause, step.destination_id, {LAST})
                ORDER BY recipient.cause, recipient.destination_id, id
                LIMIT (SELECT number + 1 FROM most)) each) counted
  JOIN delivery_queuedrecipient first ON first.id = counted.first_id
  JOIN delivery_queuedmessage message ON message.id = first.message_id
  JOIN delivery_queuedrecipient latest ON latest.id = counted.latest_id
 CROSS JOIN LATERAL (SELECT next_attempt_at FROM delivery_queuedrecipient recipient
                      WHERE {WAITS} AND destination_id = destination.id ORDER BY next_attempt_at LIMIT 1) due
"""
# A destination that reaches no host puts off all that waits for it in its own row (queue/destination_outcomes.py). What
# begins to fail is news; what has failed for days comes last.
FAILING: Final = f"""
WITH failing AS MATERIALIZED (
    SELECT * FROM delivery_destination WHERE failures > 0 ORDER BY failures, id DESC LIMIT %(failing)s),
most AS MATERIALIZED (SELECT {MOST} AS number FROM failing)
SELECT destination.name, coalesce(nullif(destination.cause, ''), first.cause), least(counted.number, most.number),
       counted.number > most.number,
       coalesce(message.released_at, message.created_at),
       greatest(destination.next_attempt_at, first.next_attempt_at), first.last_host,
       left(destination.last_reply, %(reply)s)
  FROM failing destination
 CROSS JOIN most
 CROSS JOIN LATERAL (SELECT * FROM delivery_queuedrecipient recipient
                      WHERE {WAITS} AND destination_id = destination.id ORDER BY next_attempt_at LIMIT 1) first
 CROSS JOIN LATERAL (
       SELECT count(*) AS number FROM (SELECT FROM delivery_queuedrecipient recipient
                                        WHERE {WAITS} AND destination_id = destination.id
                                        LIMIT (SELECT number + 1 FROM most)) each) counted
  JOIN delivery_queuedmessage message ON message.id = first.message_id
"""
FAILED: Final = """
SELECT destination.name, recipient.cause, count(*), false, min(finished_at), NULL::timestamptz,
       (array_agg(last_host ORDER BY finished_at DESC))[1],
       left((array_agg(recipient.last_reply ORDER BY finished_at DESC))[1], %(reply)s)
  FROM (SELECT * FROM delivery_queuedrecipient
         WHERE state IN ('bounced', 'expired') AND finished_at >= %(failed_since)s
         ORDER BY finished_at DESC LIMIT %(looked)s) recipient
  JOIN delivery_destination destination ON destination.id = recipient.destination_id
 GROUP BY destination.name, recipient.cause
"""
# What another host had taken, and sent back (delivery/returned.py), beyond doubt.
RETURNED: Final = """
SELECT split_part(forward_path, '@', -1), cause, count(*), false, min(at), NULL::timestamptz,
       (array_agg(reporter ORDER BY at DESC))[1], left((array_agg(diagnostic ORDER BY at DESC))[1], %(reply)s)
  FROM (SELECT * FROM delivery_returnedmail returned WHERE kind = 'bounce' AND at >= %(failed_since)s
          AND (is_proven OR is_vouched_for) {whose}
         ORDER BY at DESC LIMIT %(looked)s) returned
 GROUP BY 1, cause
"""
COMPLAINED: Final = """
SELECT CASE WHEN is_proven OR is_vouched_for THEN 'complaint' ELSE 'doubtful' END,
       lower(split_part(returned.forward_path, '@', -1)), '', count(*), false, min(at), max(at),
       coalesce(recipient.last_host, ''), returned.reverse_path
  FROM (SELECT * FROM delivery_returnedmail returned WHERE kind = 'complaint' AND at >= %(complained_since)s {whose}
         ORDER BY at DESC LIMIT %(looked)s) returned
  LEFT JOIN delivery_queuedrecipient recipient ON recipient.id = returned.queued_recipient_id
 GROUP BY 1, 2, 8, 9
"""
OF_SOME: Final = "AND (account_id = %(account_id)s OR domain = ANY(%(domains)s::text[]))"
OF_ALL: Final = (
    f"SELECT 'waiting', * FROM ({WAITING}) each UNION ALL SELECT 'failing', * FROM ({FAILING}) each "
    f"UNION ALL SELECT 'failed', * FROM ({FAILED}) each "
    f"UNION ALL SELECT 'failed', * FROM ({RETURNED.format(whose='')}) each "
    f"UNION ALL SELECT * FROM ({COMPLAINED.format(whose='')}) each"
)
OF_SENDERS: Final = f"""
WITH message AS MATERIALIZED (
    SELECT id, coalesce(released_at, created_at) AS at FROM delivery_queuedmessage
     WHERE account_id IN (SELECT account.id FROM mailboxes_account account
                            LEFT JOIN domains_address address ON address.id = account.address_id
                            LEFT JOIN domains_domain domain ON domain.id = address.domain_id
                           WHERE account.id = %(account_id)s OR domain.name = ANY(%(domains)s::text[]))
     ORDER BY id DESC LIMIT %(looked)s),
recipient AS (
    SELECT destination.name, CASE WHEN state IN ('bounced', 'expired') THEN 'failed' ELSE 'waiting' END AS kind,
           message.at, own.last_host, own.last_attempt_at, finished_at,
           CASE WHEN failures > 0 AND finished_at IS NULL AND destination.cause <> '' THEN destination.cause
                ELSE own.cause END AS cause,
           CASE WHEN failures > 0 AND finished_at IS NULL THEN destination.last_reply ELSE own.last_reply
            END AS last_reply,
           CASE WHEN failures > 0 THEN greatest(own.next_attempt_at, destination.next_attempt_at)
                ELSE own.next_attempt_at END AS next_at
      FROM message JOIN delivery_queuedrecipient own ON own.message_id = message.id
                   JOIN delivery_destination destination ON destination.id = own.destination_id
     WHERE (state IN ('queued', 'deferred') AND (own.cause <> '' OR failures > 0))
        OR (state IN ('bounced', 'expired') AND finished_at >= %(failed_since)s)
     LIMIT %(looked)s)
SELECT kind, name, cause, count(*), false, min(CASE WHEN kind = 'failed' THEN finished_at ELSE at END),
       min(CASE WHEN kind = 'waiting' THEN next_at END),
       (array_agg(last_host ORDER BY last_attempt_at DESC NULLS LAST))[1],
       left((array_agg(last_reply ORDER BY last_attempt_at DESC NULLS LAST))[1], %(reply)s)
  FROM recipient GROUP BY kind, name, cause
 UNION ALL
SELECT 'cut', '', '', count(*), true, now(), NULL, '', '' FROM message HAVING count(*) >= %(looked)s
 UNION ALL
SELECT 'failed', * FROM ({RETURNED.format(whose=OF_SOME)}) each
 UNION ALL
SELECT * FROM ({COMPLAINED.format(whose=OF_SOME)}) each
"""
