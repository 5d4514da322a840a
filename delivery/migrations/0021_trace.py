"""Attempts become the outbound trace: divided by days, with all that a search needs by value, and dropped by days.

There is no way back: rows of the trace outlive the recipients that the former table refers to.
"""

from django.db import migrations, models
from django.db.models import Q

# LIKE takes over whatever columns the former table has. What follows its foreign key is kept by value from now on.
ATTEMPTS = """
ALTER TABLE delivery_attempt RENAME TO delivery_attempt_before;
CREATE SEQUENCE delivery_attempt_number;
CREATE TABLE delivery_attempt (
    LIKE delivery_attempt_before INCLUDING DEFAULTS,
    queue_id bigint NOT NULL,
    account_id bigint,
    reverse_path text NOT NULL,
    forward_path text NOT NULL,
    domain text NOT NULL,
    sender_domain text NOT NULL,
    message_id text NOT NULL,
    subject text NOT NULL,
    cause text NOT NULL,
    CONSTRAINT delivery_attempt_key PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
ALTER TABLE delivery_attempt ALTER COLUMN id SET DEFAULT nextval('delivery_attempt_number');
ALTER SEQUENCE delivery_attempt_number OWNED BY delivery_attempt.id;
CREATE TABLE delivery_attempt_rest PARTITION OF delivery_attempt DEFAULT;
"""
# The days that the former table knows, as far as finished messages are kept, and those to come.
PARTITIONS = """
DO $$
DECLARE day date;
BEGIN
    FOR day IN
        SELECT generate_series(greatest((SELECT min(at) FROM delivery_attempt_before) AT TIME ZONE 'UTC',
                                        (now() AT TIME ZONE 'UTC') - interval '30 days')::date,
                               (now() AT TIME ZONE 'UTC')::date + 7, interval '1 day')::date
    LOOP
        EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF delivery_attempt FOR VALUES FROM (%L) TO (%L)',
                       'delivery_attempt_' || to_char(day, 'YYYYMMDD'), day || ' 00:00:00+00',
                       day + 1 || ' 00:00:00+00');
    END LOOP;
END $$
"""
ROWS = """
DO $$
DECLARE former text := (SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
                         WHERE attrelid = 'delivery_attempt_before'::regclass AND attnum > 0 AND NOT attisdropped);
BEGIN
    EXECUTE format('
        INSERT INTO delivery_attempt (%s, queue_id, account_id, reverse_path, forward_path, domain, sender_domain,
                                      message_id, subject, cause)
        SELECT attempt.*, message.id, message.account_id, message.reverse_path, recipient.forward_path,
               CASE WHEN position(''@'' IN recipient.forward_path) > 0
                    THEN lower(split_part(recipient.forward_path, ''@'', -1)) ELSE '''' END,
               CASE WHEN message.forwarded_by <> '''' THEN message.forwarded_by
                    WHEN position(''@'' IN message.reverse_path) > 0
                    THEN lower(split_part(message.reverse_path, ''@'', -1)) ELSE '''' END,
               message.message_id_field, '''', ''''
          FROM delivery_attempt_before attempt
          JOIN delivery_queuedrecipient recipient ON recipient.id = attempt.recipient_id
          JOIN delivery_queuedmessage message ON message.id = recipient.message_id', former);
    PERFORM setval('delivery_attempt_number', greatest((SELECT max(id) FROM delivery_attempt_before), 1));
END $$;
DROP TABLE delivery_attempt_before;
"""
# Most tries deliver: who looks for what did not has an index that those do not weigh on.
INDEXES = """
CREATE INDEX attempt_of_recipient ON delivery_attempt (queue_id, recipient_id);
CREATE INDEX attempt_to ON delivery_attempt (lower(forward_path), at);
CREATE INDEX attempt_from ON delivery_attempt (lower(reverse_path), at);
CREATE INDEX attempt_domain ON delivery_attempt (domain, at);
CREATE INDEX attempt_sender_domain ON delivery_attempt (sender_domain, at) WHERE sender_domain <> '';
CREATE INDEX attempt_account ON delivery_attempt (account_id, at) WHERE account_id IS NOT NULL;
CREATE INDEX attempt_message ON delivery_attempt (message_id) WHERE message_id <> '';
CREATE INDEX attempt_address ON delivery_attempt (address, at) WHERE address <> '';
CREATE INDEX attempt_host ON delivery_attempt (lower(host), at) WHERE host <> '';
CREATE INDEX attempt_outcome ON delivery_attempt (outcome, at) WHERE outcome <> 'delivered';
CREATE INDEX attempt_subject ON delivery_attempt USING gin (to_tsvector('simple', subject)) WHERE subject <> '';
"""
INBOUND = """
ALTER TABLE delivery_inboundtrace ADD COLUMN subject text NOT NULL DEFAULT '';
CREATE INDEX inbound_trace_subject ON delivery_inboundtrace USING gin (to_tsvector('simple', subject))
 WHERE subject <> '';
CREATE INDEX inbound_trace_outcome ON delivery_inboundtrace (outcome, at) WHERE outcome <> 0 AND outcome <> 3;
CREATE INDEX inbound_trace_submitter ON delivery_inboundtrace (login, at) WHERE login <> '';
CREATE INDEX inbound_trace_sender_domain ON delivery_inboundtrace (lower(split_part(reverse_path, '@', -1)), at)
 WHERE login <> '';
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0020_tls_reports")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(ATTEMPTS),
                migrations.RunSQL(PARTITIONS),
                migrations.RunSQL(ROWS),
                migrations.RunSQL(INDEXES),
                migrations.RunSQL(INBOUND),
            ],
            state_operations=[
                migrations.AlterModelOptions(
                    "inboundtrace",
                    {
                        "ordering": ["-at"],
                        "verbose_name": "message trace",
                        "verbose_name_plural": "message trace",
                    },
                ),
                migrations.AlterField(
                    "attempt",
                    "recipient",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=models.DO_NOTHING,
                        related_name="attempt_rows",
                        to="delivery.queuedrecipient",
                    ),
                ),
                migrations.AlterField("attempt", "id", models.BigAutoField(primary_key=True, serialize=False)),
                migrations.AddField("attempt", "queue_id", models.BigIntegerField(default=0)),
                migrations.AddField("attempt", "account_id", models.BigIntegerField(blank=True, null=True)),
                *(
                    migrations.AddField("attempt", name, models.TextField(blank=True, default=""))
                    for name in (
                        *("reverse_path", "forward_path", "domain", "sender_domain"),
                        *("message_id", "subject", "cause"),
                    )
                ),
                migrations.AddField(
                    "inboundtrace", "subject", models.TextField(blank=True, db_default="", default="")
                ),
            ],
        ),
        migrations.RemoveIndex("queuedmessage", "message_of_a_sender"),
        migrations.AddIndex(
            "queuedmessage",
            models.Index(
                condition=~Q(message_id_field=""),
                fields=["message_id_field", "account", "-id"],
                name="message_by_message_id",
            ),
        ),
    ]
