from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0025_handed_in_once"),
    ]

    operations = [
        migrations.AddField(
            model_name="queuedmessage",
            name="ignores_tls",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
