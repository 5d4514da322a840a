from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0015_destination_connections"),
    ]

    operations = [
        migrations.AddField(
            model_name="queuedmessage",
            name="deliver_by",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="queuedmessage",
            name="deliver_by_mode",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddField(
            model_name="queuedrecipient",
            name="cause",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddIndex(
            model_name="queuedrecipient",
            index=models.Index(
                condition=models.Q(("cause", ""), _negated=True),
                fields=["cause", "destination"],
                name="recipient_cause",
            ),
        ),
        migrations.AddIndex(
            model_name="queuedmessage",
            index=models.Index(
                condition=models.Q(("deliver_by__isnull", False)), fields=["deliver_by"], name="message_deliver_by"
            ),
        ),
    ]
