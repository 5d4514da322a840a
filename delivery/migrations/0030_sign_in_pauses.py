from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0029_original_path"),
    ]

    operations = [
        migrations.CreateModel(
            name="SignInPause",
            fields=[
                ("name", models.TextField(primary_key=True, serialize=False)),
                ("until", models.DateTimeField()),
                ("status", models.TextField()),
                ("said", models.TextField()),
            ],
        ),
    ]
