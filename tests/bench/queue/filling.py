"""A queue of a million recipients, as bad days leave it: few next hops have most, some defer, some cannot be reached.

100,000 messages of 200 accounts in 20 domains; recipients of 1,000 next hops, the first with a third of all. Every
tenth was deferred with a reply of its own, in a few thousand different words; 1 % is held, 1 % waits for its time.
Every tenth was reached by one of 1,000 aliases.
"""

from typing import Any, Final

from django.db import connection
from django.utils import timezone

from domains.models import Domain
from mailboxes.accounts import add_account
from mailhost.protocols.addresses import EmailAddress

DOMAINS: Final = 20
ACCOUNTS: Final = 10  # in each
RECIPIENTS_OF_A_MESSAGE: Final = 10
NEXT_HOPS: Final = 1_000

STATEMENTS: Final = (
    """
INSERT INTO delivery_destination (name, failures, last_reply, next_attempt_at)
SELECT 'd' || n || '.far.test', CASE WHEN n %% 10 < 3 THEN 4 ELSE 0 END,
       CASE WHEN n %% 10 < 3
            THEN 'connect to mx' || n || '.far.test[192.0.2.' || n %% 256 || ']: timed out' ELSE '' END,
       %(now)s + n * interval '1 second'
  FROM generate_series(1, %(hops)s) n
""",
    """
INSERT INTO delivery_queuedmessage (content_id, account_id, reverse_path, size_octets, body, is_smtputf8, envid, ret,
                                    created_at, expires_at)
SELECT n, account.id, account.login, 4000, '8BITMIME', false, '', '',
       %(now)s - (%(messages)s - n) * interval '2 seconds',
       %(now)s + interval '3 days'
  FROM generate_series(1, %(messages)s) n
  JOIN (SELECT id, login, row_number() OVER (ORDER BY id) - 1 AS place FROM mailboxes_account) account
    ON account.place = n %% %(accounts)s
""",
    # place * place: small numbers come more often than large ones.
    """
INSERT INTO delivery_queuedrecipient (message_id, destination_id, forward_path, orcpt, notify, state, attempts,
                                      next_attempt_at, last_reply, last_status, last_host, report_due, original_path)
SELECT message.id, hop.id, 'r' || part || '.' || message.id || '@' || hop.name, '', '',
       CASE WHEN (message.id + part) %% 100 = 0 THEN 'held' WHEN (message.id + part) %% 100 = 1 THEN 'waiting'
            WHEN (message.id + part) %% 10 = 5 THEN 'deferred' ELSE 'queued' END,
       CASE WHEN (message.id + part) %% 10 = 5 THEN 3 ELSE 0 END, %(now)s,
       CASE WHEN (message.id + part) %% 10 = 5
            THEN '451 4.7.' || message.id %% 7 || ' mx' || hop.id || '.far.test: try again later, case '
                 || message.id %% 5000 || ', too many messages from your address' ELSE '' END,
       '', '', '',
       CASE WHEN part = 7 THEN 'team' || message.id %% 1000 || '@ours' || message.id %% 20 || '.test' ELSE '' END
  FROM delivery_queuedmessage message
 CROSS JOIN generate_series(1, %(recipients)s) part
  JOIN (SELECT id, name, row_number() OVER (ORDER BY id) AS place FROM delivery_destination) hop
    ON hop.place = 1 + ((message.id * 7919 + part * 104729) %% 1000) * ((message.id * 31 + part * 17) %% 1000)
                       * ((message.id * 13 + part * 7) %% 1000) * %(hops)s / 1000000000
 ORDER BY message.id, part
""",
    """
INSERT INTO delivery_attempt (recipient_id, at, host, address, outcome, reply, tls, queue_id, account_id, reverse_path,
                              forward_path, domain, sender_domain, message_id, subject, cause)
SELECT recipient.id, %(now)s - (recipient.id %% 43200) * interval '1 second', 'mx.far.test', '192.0.2.1', 'deferred',
       last_reply, '', message.id, message.account_id, message.reverse_path, forward_path,
       split_part(forward_path, '@', 2), split_part(message.reverse_path, '@', 2), message_id_field, '', cause
  FROM delivery_queuedrecipient recipient JOIN delivery_queuedmessage message ON message.id = recipient.message_id
 WHERE state = 'deferred'
""",
)


def fill(*, recipients: int) -> None:
    """Into an empty, migrated database; then as autovacuum would leave it."""
    for number in range(DOMAINS):
        domain = Domain.objects.create(name=f"ours{number}.test")
        for account in range(ACCOUNTS):
            address = EmailAddress(f"u{account}", domain.name)
            add_account(address=address, password="correct horse battery", quota_octets=0, by="bench")
    values: dict[str, Any] = {
        "now": timezone.now(),
        "hops": NEXT_HOPS,
        "messages": recipients // RECIPIENTS_OF_A_MESSAGE,
        "accounts": DOMAINS * ACCOUNTS,
        "recipients": RECIPIENTS_OF_A_MESSAGE,
    }
    with connection.cursor() as sql:
        for statement in STATEMENTS:
            sql.execute(statement, values)
        sql.execute("VACUUM ANALYZE")
