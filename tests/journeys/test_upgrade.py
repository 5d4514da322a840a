"""A host from before the trace was divided is brought up to date: what waited waits, and what was tried is found."""

import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connections

BEFORE = ("delivery", "0016_deliver_by_and_causes")
# 3 messages to 6 recipients: delivered, waiting, and waiting for another host than their domain's; all tried, some in
# months past.
FILL = """
INSERT INTO delivery_destination (name, failures, last_reply, connections)
VALUES ('far.test', 3, 'no answer', 4), ('mx.other.test', 0, '', 2);
INSERT INTO delivery_queuedmessage (content_id, reverse_path, size_octets, body, is_smtputf8, envid, ret, created_at,
                                    expires_at, message_id_field, forwarded_by)
SELECT number, CASE number WHEN 3 THEN '' ELSE 'Ann@Here.test' END, 1000, '8BITMIME', false, '', '',
       now() - number * interval '1 hour', now() + interval '4 days', '<' || number || '@here.test>',
       CASE number WHEN 2 THEN 'there.test' ELSE '' END
  FROM generate_series(1, 3) number;
INSERT INTO delivery_queuedrecipient (message_id, destination_id, forward_path, orcpt, notify, state, attempts,
                                      next_attempt_at, last_reply, last_status, last_host, report_due)
SELECT message.id, destination.id, 'bob' || destination.id || '@Far.test', '', '',
       CASE WHEN message.content_id = 1 THEN 'delivered' ELSE 'deferred' END, 1, now(), '450 later', '4.2.1', '', ''
  FROM delivery_queuedmessage message CROSS JOIN delivery_destination destination;
INSERT INTO delivery_attempt (recipient_id, at, host, address, outcome, reply, tls)
SELECT recipient.id, now() - days * interval '1 day', 'mx.far.test', '192.0.2.1', 'deferred', '450 later', 'TLSv1.3 X'
  FROM delivery_queuedrecipient recipient CROSS JOIN unnest(ARRAY[0, 1, 29, 90]) days;
"""
TRIED = """
SELECT reverse_path, forward_path, domain, sender_domain, message_id, count(*), count(DISTINCT at::date)
  FROM delivery_attempt GROUP BY 1, 2, 3, 4, 5 ORDER BY message_id, forward_path
"""


@pytest.fixture
def url(shared_db: None) -> Iterator[str]:
    """An empty database beside the tests' own."""
    given = connections["default"].settings_dict
    server = f"?host={given['HOST']}&user={given['USER']}&password={given['PASSWORD']}&port={given['PORT']}"
    name = "from_before"
    with psycopg.connect(f"postgresql:///postgres{server}", autocommit=True) as sql:
        sql.execute(f"CREATE DATABASE {name}")
        yield f"postgresql:///{name}{server}"
        sql.execute(f"DROP DATABASE {name} WITH (FORCE)")


def migrate(url: str, *target: str) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(url)
    place = f"postgres://{parts['user']}:{parts['password']}@/{parts['dbname']}?host={parts['host']}"
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0", "--skip-checks", *target],
        env={**os.environ, "DATABASE_URL": place},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_what_waited_and_what_was_tried_before_is_there_afterwards(url: str) -> None:
    migrate(url, *BEFORE)
    with psycopg.connect(url, autocommit=True) as sql:
        sql.execute(FILL)
        last = sql.execute("SELECT max(id) FROM delivery_attempt").fetchone()
    migrate(url)
    with psycopg.connect(url, autocommit=True) as sql:
        assert last is not None
        far, other = "bob1@Far.test", "bob2@Far.test"
        assert sql.execute(TRIED).fetchall() == [
            ("Ann@Here.test", far, "far.test", "here.test", "<1@here.test>", 4, 4),
            ("Ann@Here.test", other, "far.test", "here.test", "<1@here.test>", 4, 4),
            ("Ann@Here.test", far, "far.test", "there.test", "<2@here.test>", 4, 4),
            ("Ann@Here.test", other, "far.test", "there.test", "<2@here.test>", 4, 4),
            ("", far, "far.test", "", "<3@here.test>", 4, 4),
            ("", other, "far.test", "", "<3@here.test>", 4, 4),
        ]
        assert sql.execute("SELECT count(*) FROM delivery_attempt_rest").fetchone() == (6,)  # of months past
        assert sql.execute("SELECT nextval('delivery_attempt_number') > %s", last).fetchone() == (True,)
        waiting = (
            "SELECT forward_path, redirected_from, state FROM delivery_queuedrecipient"
            " ORDER BY message_id, destination_id"
        )
        assert sql.execute(waiting).fetchall() == [
            (far, "", "delivered"),
            (other, "", "delivered"),
            (far, "", "deferred"),
            (other, "far.test", "deferred"),
            (far, "", "deferred"),
            (other, "far.test", "deferred"),
        ]
        hosts = "SELECT name, route_id, failures, connections FROM delivery_destination ORDER BY id"
        assert sql.execute(hosts).fetchall() == [("far.test", 0, 3, 4), ("mx.other.test", 0, 0, 2)]
