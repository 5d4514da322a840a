"""`manage.py up`: the whole mail host on this machine, in the foreground (./run calls it)."""

from typing import Any

from mailhost import command_line
from mailhost.embedded import host


class Command(command_line.Command):
    help = (
        "Runs the whole mail host on this machine until Ctrl-C: an embedded Postgres and Valkey (unless DATABASE_URL\n"
        "and REDIS_URL name others), migrations, demo data the first time, every server. Prints `ready` when all\n"
        "ports accept. Data, keys and logs are kept in var/ (MAILHOST_VAR)."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        host.main()
