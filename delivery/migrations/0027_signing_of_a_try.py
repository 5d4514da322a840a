"""What a message was signed with is told with each try, which is a row already, and not in a row of the message's own
that would be written anew for it.
"""

from django.db import migrations, models

# To the newest try of each message: what was told so far stays known.
MOVE = """
UPDATE delivery_attempt attempt SET signing = message.signing
  FROM delivery_queuedmessage message,
       LATERAL (SELECT at, id FROM delivery_attempt WHERE queue_id = message.id ORDER BY at DESC, id DESC LIMIT 1) newest
 WHERE message.signing <> '' AND attempt.at = newest.at AND attempt.id = newest.id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0026_tls_ignored"),
    ]

    operations = [
        migrations.AddField(
            model_name="attempt",
            name="signing",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.RunSQL(MOVE, migrations.RunSQL.noop),
        migrations.RemoveField(model_name="queuedmessage", name="signing"),
    ]
