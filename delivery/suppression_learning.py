"""What puts addresses on the suppression list by itself: mail that comes back because the address is gone, again and
again; and a complaint (RFC 5965), at once.

Learned for the account that sent it: another one may know better, and who is complained about is one sender. What
happened to two accounts of a domain is no matter of one sender any more, and is learned for the domain; a domain may
learn from each of its accounts at once, or not at all (domains.models.SuppressionLearning).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction

from delivery.models import ReturnedKind, SuppressionSource
from delivery.suppression import MAX_EVIDENCE, POSTMASTER, key_of_path
from mailhost.net.database import cursor
from mailhost.protocols.bounce_causes import Cause

log = structlog.get_logger(__name__)

GONE: Final = frozenset({Cause.NO_SUCH_USER, Cause.NO_SUCH_DOMAIN, Cause.TAKES_NO_MAIL, Cause.DISABLED})
MAX_AT_ONCE: Final = 10_000  # of what bounces together

SEVERAL: Final = 2  # accounts

# An entry whose time is over counts as none. What was put there by hand, or by a complaint, keeps its reason and its
# time; what came back since is counted.
KEEP: Final = """
   SET source = CASE WHEN kept.expires_at <= %(now)s OR kept.source = 'bounce' THEN excluded.source
                     ELSE kept.source END,
       cause = CASE WHEN kept.expires_at <= %(now)s OR kept.source = 'bounce' THEN excluded.cause ELSE kept.cause END,
       evidence = CASE WHEN kept.expires_at <= %(now)s OR kept.source = 'bounce' THEN excluded.evidence
                       ELSE kept.evidence END,
       first_at = CASE WHEN kept.expires_at <= %(now)s THEN excluded.first_at ELSE kept.first_at END,
       last_at = CASE WHEN kept.expires_at <= %(now)s OR kept.source = 'bounce' THEN excluded.last_at
                      ELSE kept.last_at END,
       since = CASE WHEN kept.expires_at <= %(now)s THEN excluded.since
                    WHEN kept.since IS NOT NULL THEN kept.since
                    WHEN kept.count + excluded.count >= %(after)s THEN %(now)s END,
       expires_at = CASE WHEN kept.expires_at <= %(now)s THEN excluded.expires_at
                         WHEN kept.expires_at IS NOT NULL THEN greatest(kept.expires_at, excluded.expires_at) END,
       count = CASE WHEN kept.expires_at <= %(now)s THEN excluded.count ELSE {count} END
"""
LEARN: Final = f"""
INSERT INTO delivery_suppression AS kept (account_id, address, source, cause, evidence, by, count, first_at, last_at,
                                          since, expires_at)
SELECT message.account_id, row.address, %(source)s, max(row.cause),
       left((array_agg(row.evidence ORDER BY row.id DESC))[1], %(evidence)s), '', count(*), %(now)s, %(now)s,
       CASE WHEN count(*) >= %(after)s THEN %(now)s::timestamptz END, %(expires_at)s
  FROM unnest(%(ids)s::bigint[], %(addresses)s::text[], %(causes)s::text[], %(evidences)s::text[])
       row(id, address, cause, evidence)
  JOIN delivery_queuedrecipient recipient ON recipient.id = row.id
  JOIN delivery_queuedmessage message ON message.id = recipient.message_id
 WHERE message.account_id IS NOT NULL AND message.reverse_path <> ''
 GROUP BY message.account_id, row.address
 ORDER BY message.account_id, row.address
    ON CONFLICT (account_id, address) DO UPDATE{KEEP.format(count="kept.count + excluded.count")}
""".encode()
# After that, of the same accounts' domains: what all their accounts have learned by now of the addresses in question.
# What one has put on its list by hand says nothing about what came back.
LEARN_FOR_DOMAINS: Final = f"""
INSERT INTO delivery_suppression AS kept (domain_id, address, source, cause, evidence, by, count, first_at, last_at,
                                          since, expires_at)
SELECT domain.id, learned.address, %(source)s, (array_agg(learned.cause ORDER BY learned.last_at DESC))[1],
       (array_agg(learned.evidence ORDER BY learned.last_at DESC))[1], '', sum(learned.count), min(learned.first_at),
       %(now)s, %(now)s, %(expires_at)s
  FROM (SELECT DISTINCT address.domain_id, row.address
          FROM unnest(%(ids)s::bigint[], %(addresses)s::text[]) row(id, address)
          JOIN delivery_queuedrecipient recipient ON recipient.id = row.id
          JOIN delivery_queuedmessage message ON message.id = recipient.message_id
          JOIN mailboxes_account account ON account.id = message.account_id
          JOIN domains_address address ON address.id = account.address_id
         WHERE message.reverse_path <> '') asked
  JOIN domains_domain domain ON domain.id = asked.domain_id AND domain.suppression_learning <> 'accounts'
  JOIN delivery_suppression learned ON learned.address = asked.address AND learned.source = %(source)s
   AND (learned.expires_at IS NULL OR learned.expires_at > %(now)s)
  JOIN mailboxes_account owner ON owner.id = learned.account_id
  JOIN domains_address own ON own.id = owner.address_id AND own.domain_id = domain.id
 GROUP BY domain.id, learned.address
HAVING sum(learned.count) >= %(after)s
   AND count(*) >= CASE domain.suppression_learning WHEN 'domain' THEN 1 ELSE %(several)s END
 ORDER BY domain.id, learned.address
    ON CONFLICT (domain_id, address) DO UPDATE{KEEP.format(count="greatest(kept.count, excluded.count)")}
""".encode()
# Two accounts' bounces in transactions at once would not see each other: whoever comes second waits here, until it may
# count the other's. Few locks, whatever the number of addresses: the whole server has some thousands.
LOCK_FOR_DOMAINS: Final = b"""
SELECT pg_advisory_xact_lock(%(lock)s, slot)
  FROM (SELECT DISTINCT (hashtextextended(row.address, domain.id) & 255)::integer AS slot
          FROM unnest(%(ids)s::bigint[], %(addresses)s::text[]) row(id, address)
          JOIN delivery_queuedrecipient recipient ON recipient.id = row.id
          JOIN delivery_queuedmessage message ON message.id = recipient.message_id
          JOIN mailboxes_account account ON account.id = message.account_id
          JOIN domains_address address ON address.id = account.address_id
          JOIN domains_domain domain ON domain.id = address.domain_id AND domain.suppression_learning <> 'accounts'
         WHERE message.reverse_path <> ''
         ORDER BY slot) asked
"""
LOCK: Final = 0x5EA7  # what these are called, among all advisory locks
BOUNCED_TOGETHER: Final = b"""
SELECT id, forward_path, cause, last_reply FROM delivery_queuedrecipient
 WHERE destination_id = %s AND state = 'bounced' AND finished_at = %s LIMIT %s
"""

PATH: Final = b"SELECT forward_path FROM delivery_queuedrecipient WHERE id = %s"

Bounces = Mapping[int, tuple[str, Cause, str]]
"""By the recipient's id in the queue: its forward-path, the cause, and the other side's words."""


def learn_from_bounces(bounces: Bounces, *, now: datetime) -> None:
    """Counts those that mean that the address is gone, in the caller's transaction; no statement without any.

    What was sent by no account, and what went to a postmaster, is not counted.
    """
    if settings.SUPPRESS_AFTER > 0:
        gone = {number: each for number, each in bounces.items() if each[1] in GONE}
        _learn(
            gone,
            SuppressionSource.BOUNCE,
            after=settings.SUPPRESS_AFTER,
            days=settings.SUPPRESS_DAYS,
            now=now,
        )


def learn_from_returned(
    *, kind: ReturnedKind, recipient_id: int, cause: Cause | None, words: str, now: datetime
) -> None:
    """Of what another host had taken: a bounce is counted like one that came at once, a complaint is enough alone."""
    is_complaint = kind is ReturnedKind.COMPLAINT
    if not (settings.SUPPRESS_COMPLAINT_DAYS > 0 if is_complaint else cause in GONE):
        return
    with cursor() as sql:
        row = sql.execute(PATH, (recipient_id,)).fetchone()
    if row is None:
        return
    if is_complaint:
        complaint = {recipient_id: (row[0], "", words)}
        days = settings.SUPPRESS_COMPLAINT_DAYS
        _learn(complaint, SuppressionSource.COMPLAINT, after=1, days=days, now=now)
    elif cause is not None:
        learn_from_bounces({recipient_id: (row[0], cause, words)}, now=now)


def learn_from_destination(*, destination_id: int, cause: Cause, now: datetime) -> None:
    """All that waited there has bounced in this transaction, at this moment."""
    if cause in GONE and settings.SUPPRESS_AFTER > 0:
        with cursor() as sql:
            rows = sql.execute(BOUNCED_TOGETHER, (destination_id, now, MAX_AT_ONCE)).fetchall()
        learn_from_bounces({number: (path, Cause(why), reply) for number, path, why, reply in rows}, now=now)


def _learn(
    those: Mapping[int, tuple[str, str, str]],
    source: SuppressionSource,
    *,
    after: int,
    days: int,
    now: datetime,
) -> None:
    rows = [(number, key_of_path(path), str(cause), words) for number, (path, cause, words) in those.items()]
    rows = [row for row in rows if not row[1].startswith(POSTMASTER)]
    if not rows:
        return
    ids, addresses, causes, evidences = (list(column) for column in zip(*rows, strict=True))
    values = {
        "ids": ids,
        "addresses": addresses,
        "causes": causes,
        "evidences": evidences,
        "source": source.value,
        "evidence": MAX_EVIDENCE,
        "after": after,
        "several": SEVERAL,
        "lock": LOCK,
        "expires_at": now + timedelta(days=days),
        "now": now,
    }
    try:
        with transaction.atomic(), cursor() as sql:
            sql.execute(LOCK_FOR_DOMAINS, values)
            sql.execute(LEARN, values)
            sql.execute(LEARN_FOR_DOMAINS, values)
    except (
        IntegrityError
    ):  # an account is being removed, and needs no list; the outcome itself must not be lost
        log.info("bounces were not counted", recipients=len(rows))
