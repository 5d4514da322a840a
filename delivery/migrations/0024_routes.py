import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0023_outbox"),
    ]

    operations = [
        migrations.AlterField(
            model_name="destination",
            name="name",
            field=models.TextField(),
        ),
        migrations.AddField(
            model_name="destination",
            name="route_id",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddConstraint(
            model_name="destination",
            constraint=models.UniqueConstraint(fields=("name", "route_id"), name="destination_name_route"),
        ),
        migrations.CreateModel(
            name="OutboundRoute",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.TextField(unique=True)),
                ("smarthost", models.TextField(blank=True, default="")),
                ("port", models.IntegerField(default=587)),
                (
                    "tls",
                    models.TextField(
                        choices=[
                            ("opportunistic", "where it is offered, and as DANE and MTA-STS ask"),
                            ("required", "required: STARTTLS, with a certificate for the host's name"),
                            (
                                "implicit",
                                "required from the first octet (port 465), with a certificate for the host's name",
                            ),
                            ("none", "never"),
                        ],
                        default="opportunistic",
                        verbose_name="encryption",
                    ),
                ),
                ("login", models.TextField(blank=True, default="")),
                ("password", models.BinaryField(default=b"")),
                (
                    "allows_clear",
                    models.BooleanField(default=False, verbose_name="password may go unprotected"),
                ),
                (
                    "sending_domains",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, default=list, size=None
                    ),
                ),
                (
                    "recipient_domains",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, default=list, size=None
                    ),
                ),
                (
                    "sources",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, default=list, size=None
                    ),
                ),
                ("ehlo_name", models.TextField(blank=True, default="", verbose_name="EHLO name")),
            ],
            options={
                "verbose_name": "route",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="RouteChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
            ],
        ),
    ]
