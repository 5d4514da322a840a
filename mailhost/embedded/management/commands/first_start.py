"""`manage.py first_start`: what a host in containers needs before its databases start. Safe to run at each start."""

import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from mailhost import command_line
from mailhost.embedded.preparation import ensure_certificate

PASSWORD_OCTETS = 32
READABLE = 0o444  # the databases run as users of their own; only their containers mount the folder
PRIVATE = 0o600


class Command(command_line.Command):
    help = (
        "Makes what is not there yet: passwords of Postgres and Redis (in the folder of --secrets), the URLs that hold "
        "them, and a certificate from a small CA. Keeps what is there."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--secrets", type=Path, required=True, help="the folder that the databases read, too"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["secrets"]
        var: Path = settings.VAR
        postgres = keep(folder / "postgres_password", secrets.token_urlsafe(PASSWORD_OCTETS), mode=READABLE)
        redis = keep(folder / "redis_password", secrets.token_urlsafe(PASSWORD_OCTETS), mode=READABLE)
        keep(
            folder / "redis.conf", f'requirepass {redis}\ndir /data\nappendonly yes\nsave ""\n', mode=READABLE
        )
        (var / "run").mkdir(mode=0o700, parents=True, exist_ok=True)
        keep(
            var / "run" / "database_url",
            f"postgresql://mailhost:{postgres}@postgres:5432/mailhost",
            mode=PRIVATE,
        )
        keep(var / "run" / "redis_url", f"redis://:{redis}@redis:6379/0", mode=PRIVATE)
        ensure_certificate(var)


def keep(path: Path, text: str, *, mode: int) -> str:
    """What the file holds; made of `text`, whole or not at all, where there is none."""
    if not path.exists():
        fresh = path.with_name(f".{path.name}.new")
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
            file.write(text)
        fresh.replace(path)
    return path.read_text()
