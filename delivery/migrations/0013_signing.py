from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0012_delivery_status"),
    ]

    operations = [
        migrations.AddField(
            model_name="queuedmessage",
            name="forwarded_by",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddField(
            model_name="queuedmessage",
            name="signing",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
    ]
