from django.db import migrations, models
from django.db.models.functions import Lower

# An operator opens one row of all days by its number.
TRACE = "CREATE INDEX inbound_trace_row ON delivery_inboundtrace (id)"
REVERSE = "DROP INDEX inbound_trace_row"


class Migration(migrations.Migration):
    dependencies = [("delivery", "0010_trace_of_a_domain")]

    operations = [
        migrations.RunSQL(TRACE, REVERSE),
        migrations.AddIndex("queuedmessage", models.Index(Lower("reverse_path"), name="queued_by_reverse_path")),
        migrations.AddIndex("queuedrecipient", models.Index(Lower("forward_path"), name="queued_by_forward_path")),
    ]
