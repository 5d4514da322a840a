from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mailboxes', '0010_filters'),
    ]

    operations = [
        # Tokens have another hash now: what was learned is learned again, from the lessons.
        migrations.RunSQL(
            """
            DELETE FROM mailboxes_junkcount;
            DELETE FROM mailboxes_junktotal;
            UPDATE mailboxes_lesson SET is_waiting = true, learned_as_junk = NULL, hashes = '';
            """,
            migrations.RunSQL.noop,
        ),
        migrations.AddIndex(
            model_name='junkcount',
            index=models.Index(condition=models.Q(('scope', 0)), fields=['seen_on'], name='junk_counts_of_the_site'),
        ),
    ]
