import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0021_trace"),
        ("domains", "0003_dkim_keys"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Suppression",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.TextField(db_index=True)),
                (
                    "source",
                    models.TextField(
                        choices=[("bounce", "came back"), ("complaint", "complained"), ("hand", "by hand")]
                    ),
                ),
                ("cause", models.TextField(blank=True, default="")),
                ("evidence", models.TextField(blank=True, default="")),
                ("by", models.TextField(blank=True, default="")),
                ("count", models.IntegerField(default=0)),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField(db_index=True)),
                ("since", models.DateTimeField(blank=True, null=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "domain",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="domains.domain",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("expires_at__isnull", False)),
                        fields=["expires_at"],
                        name="suppression_expires",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("account", "address"), name="suppressed_for_an_account"),
                    models.UniqueConstraint(fields=("domain", "address"), name="suppressed_for_a_domain"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("account__isnull", True), ("domain__isnull", False)),
                            models.Q(("account__isnull", False), ("domain__isnull", True)),
                            _connector="OR",
                        ),
                        name="suppressed_for_one",
                    ),
                ],
            },
        ),
        # What had ended with a cause was in it as well, and in the way of whoever counts what waits.
        migrations.RemoveIndex(model_name="queuedrecipient", name="recipient_cause"),
        migrations.AddIndex(
            model_name="queuedrecipient",
            index=models.Index(
                condition=models.Q(
                    ("state__in", ("queued", "deferred")), models.Q(("cause", ""), _negated=True)
                ),
                fields=["cause", "destination", "id"],
                name="recipient_waits_why",
            ),
        ),
        migrations.AddIndex(
            model_name="queuedrecipient",
            index=models.Index(
                condition=models.Q(("state__in", ("bounced", "expired"))),
                fields=["-finished_at"],
                name="recipient_failed",
            ),
        ),
    ]
