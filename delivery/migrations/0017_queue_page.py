import django.utils.timezone
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models

# What was redirected before is found by its domain, too.
REDIRECTED = """
UPDATE delivery_queuedrecipient recipient
   SET redirected_from = lower(substring(forward_path from '@([^@]*)$'))
  FROM delivery_destination destination
 WHERE destination.id = recipient.destination_id AND destination.name <> ''
   AND recipient.state IN ('queued', 'waiting', 'held', 'deferred')
   AND destination.name <> lower(substring(forward_path from '@([^@]*)$'))
"""
# By trigrams, since a part of a reply is looked for. Nothing that is queued has a reply: inserts do not touch it.
REPLIES = """
CREATE INDEX recipient_reply ON delivery_queuedrecipient USING gin (last_reply gin_trgm_ops)
 WHERE state IN ('queued', 'waiting', 'held', 'deferred') AND NOT (last_reply = '')
"""


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0016_deliver_by_and_causes"),
    ]

    operations = [
        migrations.CreateModel(
            name="QueueFlow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("domain", models.TextField()),
                ("at", models.DateTimeField()),
                ("queued", models.IntegerField(db_default=0, default=0)),
                ("delivered", models.IntegerField(db_default=0, default=0)),
                ("deferred", models.IntegerField(db_default=0, default=0)),
                ("bounced", models.IntegerField(db_default=0, default=0)),
            ],
        ),
        migrations.CreateModel(
            name="QueueOrder",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("by", models.TextField()),
                ("holder", models.TextField()),
                ("verb", models.TextField()),
                ("until", models.DateTimeField(blank=True, null=True)),
                ("to", models.TextField(blank=True, default="")),
                ("reply", models.TextField(blank=True, default="")),
                ("asked", models.JSONField()),
                ("sent_from", models.JSONField(blank=True, null=True)),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("running", "Running"),
                            ("done", "Done"),
                            ("stopped", "Stopped"),
                            ("failed", "Failed"),
                        ],
                        default="running",
                    ),
                ),
                ("total", models.IntegerField(blank=True, null=True)),
                ("last_id", models.BigIntegerField()),
                ("after_id", models.BigIntegerField(default=0)),
                ("changed", models.IntegerField(default=0)),
                ("busy", models.IntegerField(default=0)),
                ("error", models.TextField(blank=True, default="")),
                ("ordered_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("moved_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="QueueSurvey",
            fields=[
                ("domain", models.TextField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("seconds", models.FloatField()),
                ("standing", models.JSONField()),
            ],
        ),
        migrations.AddField(
            model_name="queuedrecipient",
            name="held_by",
            field=models.TextField(
                blank=True,
                choices=[("operator", "Operator"), ("administrator", "domain administrator")],
                db_default="",
                default="",
            ),
        ),
        migrations.AddField(
            model_name="queuedrecipient",
            name="redirected_from",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AlterModelOptions(
            name="queuedrecipient", options={"ordering": ["-id"], "verbose_name_plural": "queue"}
        ),
        migrations.RunSQL(REDIRECTED, migrations.RunSQL.noop),
        migrations.AddIndex(
            "queuedrecipient",
            models.Index(
                fields=["state", "id"],
                condition=models.Q(
                    state__in=("waiting", "held", "deferred", "bounced", "expired", "cancelled", "captured")
                ),
                name="recipient_set_aside",
            ),
        ),
        TrigramExtension(),
        migrations.RunSQL(REPLIES, "DROP INDEX recipient_reply"),
        migrations.AddIndex(
            model_name="queuedrecipient",
            index=models.Index(
                condition=models.Q(("redirected_from", ""), _negated=True),
                fields=["redirected_from"],
                name="recipient_redirected",
            ),
        ),
        migrations.AddIndex(
            model_name="queueflow",
            index=models.Index(fields=["at"], name="queue_flow_at"),
        ),
        migrations.AddConstraint(
            model_name="queueflow",
            constraint=models.UniqueConstraint(fields=("domain", "at"), name="queue_flow_of_domain"),
        ),
        migrations.AddIndex(
            model_name="queueorder",
            index=models.Index(
                condition=models.Q(("state", "running")), fields=["id"], name="queue_order_running"
            ),
        ),
    ]
