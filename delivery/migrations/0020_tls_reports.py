import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0019_tls"),
    ]

    operations = [
        migrations.CreateModel(
            name="TlsFeedback",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("domain", models.TextField()),
                ("row_count", models.IntegerField(default=0)),
                ("left_out", models.BigIntegerField(default=0)),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("counting", "Counting"),
                            ("due", "Due"),
                            ("sent", "Sent"),
                            ("unwanted", "nobody to send it to"),
                            ("left out", "beyond the number for a day"),
                        ],
                        default="counting",
                    ),
                ),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("attempts", models.IntegerField(default=0)),
                ("report_id", models.TextField(blank=True, default="")),
                ("size_octets", models.IntegerField(default=0)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("note", models.TextField(blank=True, default="")),
                ("session_count", models.BigIntegerField(default=0)),
            ],
            options={
                "verbose_name": "own TLS report",
                "ordering": ["-day", "domain"],
                "abstract": False,
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "due")), fields=["due_at"], name="tls_feedback_due"
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("day", "domain"), name="tls_feedback_once")],
            },
        ),
        migrations.CreateModel(
            name="TlsFeedbackCopy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("address", models.TextField()),
                ("queued_message_id", models.BigIntegerField(blank=True, null=True)),
                (
                    "feedback",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="copies",
                        to="delivery.tlsfeedback",
                    ),
                ),
            ],
            options={
                "verbose_name": "copy",
                "verbose_name_plural": "copies",
                "ordering": ["id"],
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("feedback", "address"), name="tls_feedback_copy_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="TlsFeedbackRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.BinaryField()),
                ("row", models.JSONField()),
                ("count", models.BigIntegerField()),
                (
                    "feedback",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="delivery.tlsfeedback",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("feedback", "digest"), name="tls_feedback_row_once")
                ],
            },
        ),
    ]
