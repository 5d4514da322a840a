from django.db import migrations, models

TABLE = """
CREATE SEQUENCE delivery_inboundtrace_id_seq;
CREATE TABLE delivery_inboundtrace (
    at timestamptz NOT NULL,
    id bigint NOT NULL DEFAULT nextval('delivery_inboundtrace_id_seq'),
    session text NOT NULL,
    trace_id text NOT NULL,
    peer text NOT NULL,
    helo text NOT NULL,
    tls text NOT NULL,
    login text NOT NULL,
    reverse_path text NOT NULL,
    forward_path text NOT NULL,
    domain text NOT NULL,
    account_id bigint,
    message_id text NOT NULL,
    size_octets bigint NOT NULL,
    outcome smallint NOT NULL,
    reply text NOT NULL,
    PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
ALTER SEQUENCE delivery_inboundtrace_id_seq OWNED BY delivery_inboundtrace.id;
CREATE TABLE delivery_inboundtrace_rest PARTITION OF delivery_inboundtrace DEFAULT;
CREATE INDEX inbound_trace_recipient ON delivery_inboundtrace (lower(forward_path), at);
CREATE INDEX inbound_trace_sender ON delivery_inboundtrace (lower(reverse_path), at);
CREATE INDEX inbound_trace_message ON delivery_inboundtrace (message_id) WHERE message_id <> '';
CREATE INDEX inbound_trace_id ON delivery_inboundtrace (trace_id) WHERE trace_id <> '';
CREATE INDEX inbound_trace_peer ON delivery_inboundtrace (peer, at);
CREATE INDEX inbound_trace_account ON delivery_inboundtrace (account_id, at) WHERE account_id IS NOT NULL;
"""


PARTITIONS = """
DO $$
DECLARE day date;
BEGIN
    FOR number IN 0..7 LOOP
        day := (now() AT TIME ZONE 'UTC')::date + number;
        EXECUTE format('CREATE TABLE %I PARTITION OF delivery_inboundtrace FOR VALUES FROM (%L) TO (%L)',
                       'delivery_inboundtrace_' || to_char(day, 'YYYYMMDD'), day || ' 00:00:00+00',
                       day + 1 || ' 00:00:00+00');
    END LOOP;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0002_verdicts")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    TABLE,
                    "DROP TABLE delivery_inboundtrace",
                )
            ],
            state_operations=[
                migrations.CreateModel(
                    name="InboundTrace",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("at", models.DateTimeField()),
                        ("session", models.TextField()),
                        ("trace_id", models.TextField(blank=True)),
                        ("peer", models.TextField()),
                        ("helo", models.TextField(blank=True)),
                        ("tls", models.TextField(blank=True)),
                        ("login", models.TextField(blank=True)),
                        ("reverse_path", models.TextField(blank=True)),
                        ("forward_path", models.TextField(blank=True)),
                        ("domain", models.TextField(blank=True)),
                        ("account_id", models.BigIntegerField(null=True)),
                        ("message_id", models.TextField(blank=True)),
                        ("size_octets", models.BigIntegerField(default=0)),
                        (
                            "outcome",
                            models.SmallIntegerField(
                                choices=[
                                    (0, "accepted"),
                                    (1, "accepted into Junk"),
                                    (2, "held in quarantine"),
                                    (3, "accepted for another host"),
                                    (4, "put off"),
                                    (5, "refused"),
                                ]
                            ),
                        ),
                        ("reply", models.TextField(blank=True)),
                    ],
                    options={
                        "verbose_name": "inbound trace",
                        "verbose_name_plural": "inbound traces",
                        "ordering": ["-at"],
                    },
                )
            ],
        ),
        migrations.RunSQL(PARTITIONS, migrations.RunSQL.noop),
    ]
