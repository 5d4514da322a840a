from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0014_queue_filters")]

    operations = [
        migrations.AddField("destination", "connections", models.IntegerField(default=2, db_default=2)),
    ]
