"""`manage.py serve_smtp`: the process that takes mail in, on ports 25, 587 and 465."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from delivery.smtp.server import serve_smtp
from mailhost.net.listeners import CannotListen
from mailhost.net.process import run_process


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT."""

    help = (
        "Receives mail for the domains hosted here (SMTP), and takes mail from their accounts (submission)."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until told to stop."""
        try:
            run_process(serve_smtp, name="smtp")
        except CannotListen as error:
            raise CommandError(str(error)) from error
        except FileNotFoundError as error:
            raise CommandError(
                f"There is no {error.filename}: MAILHOST_TLS_CERT and MAILHOST_TLS_KEY name certificate and key."
            ) from error
