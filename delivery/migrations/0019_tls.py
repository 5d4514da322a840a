from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0018_bounces"),
    ]

    operations = [
        migrations.AddField(
            model_name="attempt",
            name="certificate",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.CreateModel(
            name="KeptStsPolicy",
            fields=[
                ("domain", models.TextField(primary_key=True, serialize=False)),
                ("policy", models.TextField()),
                ("record_id", models.TextField()),
                ("fetched_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(db_index=True)),
                ("checked_at", models.DateTimeField()),
                ("used_at", models.DateTimeField()),
                ("failure", models.TextField(blank=True, default="")),
            ],
            options={
                "ordering": ["domain"],
                "verbose_name": "MTA-STS policy",
                "verbose_name_plural": "MTA-STS policies",
            },
        ),
    ]
