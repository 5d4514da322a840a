"""`manage.py serve_smtp`: the process that takes mail in, on ports 25, 587 and 465."""

from functools import partial
from typing import Any

from django.core.management.base import CommandError, CommandParser

from delivery.smtp.server import serve_smtp
from mailhost import command_line
from mailhost.net.binding import CannotListen
from mailhost.net.process import run_process


class Command(command_line.ServerCommand):
    """Runs until SIGTERM or SIGINT."""

    help = (
        "Receives mail for the domains hosted here on MAILHOST_PORT_SMTP, and takes mail from their accounts on\n"
        "MAILHOST_PORT_SUBMISSION (STARTTLS) and MAILHOST_PORT_SUBMISSIONS (TLS), until SIGTERM or Ctrl-C."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The option."""
        parser.add_argument(
            "--inbound-only", action="store_true", help="take no submissions: other processes do that"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until told to stop."""
        try:
            run_process(partial(serve_smtp, is_inbound_only=options["inbound_only"]), name="smtp")
        except CannotListen as error:
            raise CommandError(str(error)) from error
        except FileNotFoundError as error:
            raise CommandError(
                f"There is no {error.filename}: MAILHOST_TLS_CERT and MAILHOST_TLS_KEY name certificate and key."
            ) from error
