"""`manage.py up`: the whole mail host on this machine, in the foreground (./run calls it)."""

import asyncio
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from mailhost import command_line
from mailhost.embedded import host
from mailhost.embedded.child import ServerFailed
from mailhost.embedded.instance import AlreadyRunning, known_to_commands, only_one
from mailhost.embedded.ports import PortTaken, require_free


class Command(command_line.Command):
    help = (
        "Runs the whole mail host on this machine until Ctrl-C: an embedded Postgres and Valkey (unless DATABASE_URL "
        "and REDIS_URL name others), migrations, demo data the first time, every server. Prints `ready` when all "
        "ports accept. Data, keys and logs are kept in var/ (MAILHOST_VAR)."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        var: Path = settings.VAR
        try:
            (var / "log").mkdir(mode=0o700, parents=True, exist_ok=True)
            with only_one(var):
                require_free(host.open_ports(), host=settings.BIND)
                with known_to_commands(var, database_url=settings.DATABASE_URL, redis_url=settings.REDIS_URL):
                    asyncio.run(host.run())
        except (ServerFailed, AlreadyRunning, PortTaken) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error.filename or var}: {error.strerror or error}") from error
