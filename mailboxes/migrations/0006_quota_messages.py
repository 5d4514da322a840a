"""How many messages an account may have (RFC 9208 section 5.2)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("mailboxes", "0005_search_index")]

    operations = [
        migrations.AddField(
            model_name="account",
            name="quota_messages",
            field=models.BigIntegerField(
                default=0, help_text="How many messages it may have in all its mailboxes; 0: no limit."
            ),
        ),
    ]
