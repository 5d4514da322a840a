from django.db import migrations, models
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0017_queue_page"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReturnedMail",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.TextField(choices=[("bounce", "Bounce"), ("complaint", "Complaint")])),
                ("queued_recipient_id", models.BigIntegerField()),
                ("account_id", models.BigIntegerField(null=True)),
                ("domain", models.TextField()),
                ("reverse_path", models.TextField(blank=True)),
                ("forward_path", models.TextField()),
                ("message_id", models.TextField(blank=True)),
                ("status", models.TextField(blank=True)),
                ("cause", models.TextField(blank=True)),
                ("diagnostic", models.TextField(blank=True)),
                ("reporter", models.TextField(blank=True)),
                ("is_proven", models.BooleanField(default=False)),
                ("at", models.DateTimeField(db_index=True)),
            ],
            options={
                "verbose_name": "returned mail",
                "verbose_name_plural": "returned mail",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["account_id", "at"], name="returned_to_an_account"),
                    models.Index(fields=["domain", "at"], name="returned_to_a_domain"),
                    models.Index(Lower("forward_path"), name="returned_by_forward_path"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("queued_recipient_id", "kind"), name="returned_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReturnReading",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("last_verdict_id", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.AddField(
            model_name="destination",
            name="cause",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddField(
            model_name="destination",
            name="last_status",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddIndex(
            model_name="queuedmessage",
            index=models.Index(
                condition=models.Q(("envid", ""), _negated=True),
                fields=["account", "envid"],
                name="message_by_envid",
            ),
        ),
    ]
