from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0022_trace"),
    ]

    operations = [
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
