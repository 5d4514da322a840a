"""The queue is searched by the alias that was written to, which few rows have: the others are not in the index."""

import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0030_sign_in_pauses"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="queuedrecipient",
            index=models.Index(
                django.db.models.functions.text.Lower("original_path"),
                condition=models.Q(("original_path", ""), _negated=True),
                name="queued_by_original_path",
            ),
        ),
    ]
