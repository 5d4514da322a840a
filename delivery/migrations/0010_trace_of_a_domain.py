"""Domain administrators list what came for their domains, and everybody finds a session: both by an index."""

from django.db import migrations

INDEXES = """
CREATE INDEX inbound_trace_domain ON delivery_inboundtrace (domain, at);
CREATE INDEX inbound_trace_session ON delivery_inboundtrace (session);
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0009_undo_send")]

    operations = [
        migrations.RunSQL(INDEXES, "DROP INDEX inbound_trace_domain; DROP INDEX inbound_trace_session")
    ]
