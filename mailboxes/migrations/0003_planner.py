"""What Postgres's planner should know of this database: its pages are cached or on flash.

With the default of 4 it reads the whole content table for a client's first sync as soon as a sixth of it is wanted
(10,000 of 60,000 messages: 54 ms against 15).
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("mailboxes", "0002_storage")]

    operations = [
        migrations.RunSQL(
            # Only the database's owner may: where we are not, whoever runs it decides.
            """
            DO $$ BEGIN
                EXECUTE format('ALTER DATABASE %I SET random_page_cost = 1.1', current_database());
            EXCEPTION WHEN insufficient_privilege THEN NULL;
            END $$
            """,
            """
            DO $$ BEGIN
                EXECUTE format('ALTER DATABASE %I RESET random_page_cost', current_database());
            EXCEPTION WHEN insufficient_privilege THEN NULL;
            END $$
            """,
        ),
    ]
