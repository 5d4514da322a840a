"""The statements of status.py: what the queue, what came back, and the trace know of an account's messages."""

from delivery.queue.causes import CAUSE_NOW_SQL

# A destination that fails puts off all that waits for it in its own row (queue/destination_outcomes.py).
SENT = (
    """
WITH message AS MATERIALIZED (
    SELECT sent.* FROM unnest(%(message_ids)s::text[]) asked(message_id)
     CROSS JOIN LATERAL (
           SELECT id, message_id_field AS message_id, release_at FROM delivery_queuedmessage
            WHERE account_id = %(account_id)s AND message_id_field = asked.message_id AND message_id_field <> ''
            ORDER BY id DESC LIMIT %(submissions)s) sent),
queued AS (
    SELECT message.message_id, message.id AS queue_id, recipient.id, recipient.last_attempt_at,
           recipient.forward_path, recipient.original_path, hearsay.at AS said_at,
           left(hearsay.diagnostic, %(reply)s) AS said,
           CASE WHEN returned.id IS NOT NULL THEN 'bounced'
                WHEN recipient.state = 'queued' AND destination.failures > 0 THEN 'deferred' ELSE recipient.state
            END AS state,
           CASE WHEN returned.id IS NOT NULL THEN returned.at
                WHEN recipient.state = 'waiting' THEN message.release_at
                ELSE coalesce(recipient.finished_at, recipient.last_attempt_at, destination.last_attempt_at)
            END AS at,
           CASE WHEN recipient.state IN ('queued', 'deferred')
                THEN CASE WHEN destination.failures > 0
                          THEN greatest(recipient.next_attempt_at, destination.next_attempt_at)
                          ELSE recipient.next_attempt_at END END AS next_at,
           CASE WHEN recipient.state IN ('queued', 'deferred') AND destination.failures > 0
                THEN '' ELSE recipient.last_host END AS host,
           CASE WHEN recipient.state IN ('queued', 'deferred') AND destination.failures > 0
                THEN destination.last_reply ELSE coalesce(returned.diagnostic, recipient.last_reply) END AS reply,
           coalesce(returned.status, recipient.last_status) AS status,
           coalesce(returned.cause, """
    + CAUSE_NOW_SQL
    + """) AS cause, returned.id IS NOT NULL AS came_back,
           destination.name = '' OR (recipient.state = 'delivered' AND recipient.attempts = 0) AS is_here
      FROM message JOIN delivery_queuedrecipient recipient ON recipient.message_id = message.id
                   JOIN delivery_destination destination ON destination.id = recipient.destination_id
                   LEFT JOIN delivery_returnedmail returned ON recipient.state = 'delivered'
                    AND returned.queued_recipient_id = recipient.id AND returned.kind = 'bounce'
                    AND (returned.is_proven OR returned.is_vouched_for)
                   LEFT JOIN delivery_returnedmail hearsay ON recipient.state = 'delivered'
                    AND hearsay.queued_recipient_id = recipient.id AND hearsay.kind = 'bounce'
                    AND NOT (hearsay.is_proven OR hearsay.is_vouched_for)
     WHERE NOT (destination.name = '' AND recipient.state = 'delivered'
                AND (recipient.attempts = 0 OR recipient.last_reply = %(led_on)s)))
"""
)  # the last: an alias that led on, to addresses which are told one by one
ALL = (
    SENT
    + """,
placed AS (
    SELECT forward_path, outcome, at FROM delivery_inboundtrace
     WHERE message_id = %(message_id)s AND message_id <> '' AND login = %(login)s AND outcome = ANY(%(placed)s)
     LIMIT %(traced)s),
newest AS MATERIALIZED (
    SELECT DISTINCT ON (lower(forward_path)) * FROM (
        SELECT queue_id, id, last_attempt_at, forward_path, state, at, next_at, host, reply, status, is_here,
               cause, came_back, said_at, said, original_path
          FROM queued
         UNION ALL
        SELECT NULL, NULL, NULL, forward_path, CASE WHEN outcome = %(held)s THEN 'held' ELSE 'delivered' END, at,
               NULL, '', '', '', true, '', false, NULL, NULL, ''
          FROM placed) either
     ORDER BY lower(forward_path), id DESC NULLS LAST, at DESC)
SELECT newest.forward_path, newest.state, newest.at, newest.next_at, newest.host, coalesce(attempt.address, ''),
       coalesce(attempt.tls, ''), coalesce(attempt.certificate, ''), newest.status,
       left(newest.reply, %(reply)s), newest.is_here, newest.cause, newest.came_back,
       newest.said_at, coalesce(newest.said, ''), newest.original_path,
       (SELECT json_object_agg(state, number) FROM (SELECT state, count(*) AS number FROM newest GROUP BY state) each)
  FROM (SELECT * FROM newest
         ORDER BY array_position(%(order)s::text[], state), lower(forward_path) LIMIT %(shown)s) newest
  LEFT JOIN LATERAL (SELECT address, tls, certificate FROM delivery_attempt
                      WHERE queue_id = newest.queue_id AND recipient_id = newest.id
                        AND at = newest.last_attempt_at AND host <> '' LIMIT 1) attempt ON true
 ORDER BY array_position(%(order)s::text[], newest.state), lower(newest.forward_path)
"""
)
COUNTS = (
    SENT
    + """
SELECT message_id, state, count(*) FROM (
    SELECT DISTINCT ON (message_id, lower(forward_path)) message_id, state FROM queued
     ORDER BY message_id, lower(forward_path), id DESC) newest
 GROUP BY message_id, state
"""
)
