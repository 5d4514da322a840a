"""manage.py serve_imap"""

from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from mailboxes.imap.server import main
from mailhost import command_line
from mailhost.net.binding import CannotListen
from mailhost.net.process import run_process
from mailhost.net.tls import server_context


class Command(command_line.ServerCommand):
    """Runs until SIGTERM or SIGINT."""

    help = (
        "Serves IMAP (RFC 3501) on MAILHOST_PORT_IMAP (STARTTLS) and MAILHOST_PORT_IMAPS (TLS), until SIGTERM or\n"
        "Ctrl-C. Several may run side by side on the same ports."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Listen, or say what stands in the way."""
        try:
            tls = server_context(settings.TLS_CERT, settings.TLS_KEY)
        except OSError as error:
            raise CommandError(f"No TLS with {settings.TLS_CERT} and {settings.TLS_KEY}: {error}") from error
        try:
            run_process(partial(main, tls=tls), name="imap")
        except CannotListen as error:
            raise CommandError(str(error)) from error
