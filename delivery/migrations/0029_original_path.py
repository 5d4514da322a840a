"""A constant default stands in the catalogue: no row is written anew, however many there are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0028_returned_hearsay"),
    ]

    operations = [
        migrations.AddField(
            model_name="queuedrecipient",
            name="original_path",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
    ]
