from django.db import migrations, models
from django.db.models.functions import Lower

# Without one of these the search for whatever is known of a message reads all rows of all days.
TRACE = """
CREATE INDEX inbound_trace_session ON delivery_inboundtrace (session);
CREATE INDEX inbound_trace_domain ON delivery_inboundtrace (domain, at) WHERE domain <> '';
CREATE INDEX inbound_trace_row ON delivery_inboundtrace (id);
"""
REVERSE = """
DROP INDEX inbound_trace_session;
DROP INDEX inbound_trace_domain;
DROP INDEX inbound_trace_row;
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0007_submission")]

    operations = [
        migrations.RunSQL(TRACE, REVERSE),
        migrations.AddIndex("queuedmessage", models.Index(Lower("reverse_path"), name="queued_by_reverse_path")),
        migrations.AddIndex("queuedrecipient", models.Index(Lower("forward_path"), name="queued_by_forward_path")),
    ]
