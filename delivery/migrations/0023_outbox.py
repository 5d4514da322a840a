from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0022_suppression"),
    ]

    operations = [
        migrations.AddField(
            model_name="queuedmessage",
            name="outbox_mailbox_id",
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="queuedmessage",
            name="outbox_uid",
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="queuedmessage",
            name="goes_to_sent",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
