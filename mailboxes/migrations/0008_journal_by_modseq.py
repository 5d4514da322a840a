"""The journal without an index by time: what is expired is found by each mailbox's oldest row (store/content.py)."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("mailboxes", "0007_sharing")]

    operations = [
        migrations.RemoveIndex(model_name="expunged", name="mailboxes_e_expunge_6004b5_idx"),
    ]
