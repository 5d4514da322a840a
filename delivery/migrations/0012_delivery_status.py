"""Who sent a message finds what became of it by its Message-ID: mail clients keep a copy of their own in Sent."""

from django.db import migrations, models
from django.db.models import Q

FILL = """
UPDATE delivery_queuedmessage queued SET message_id_field = left(content.message_id, 500)
  FROM mailboxes_content content
 WHERE content.id = queued.content_id AND queued.account_id IS NOT NULL AND content.message_id <> ''
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0011_search_indexes")]

    operations = [
        migrations.AddField("queuedmessage", "message_id_field", models.TextField(default="", db_default="", blank=True)),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddIndex(
            "queuedmessage",
            models.Index(
                fields=["account", "message_id_field", "-id"],
                condition=Q(account__isnull=False) & ~Q(message_id_field=""),
                name="message_of_a_sender",
            ),
        ),
    ]
