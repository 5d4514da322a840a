from django.db import migrations, models
from django.db.models import Q

UNFINISHED = Q(state__in=("queued", "waiting", "held", "deferred"))


class Migration(migrations.Migration):
    dependencies = [("delivery", "0013_signing")]

    operations = [
        migrations.AddIndex(
            "queuedrecipient", models.Index(fields=["id"], condition=UNFINISHED, name="recipient_unfinished")
        ),
    ]
