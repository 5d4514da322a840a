"""`manage.py serve_pop3`: the pop3 process."""

from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from mailboxes.pop3.server import main
from mailhost import command_line
from mailhost.net.binding import CannotListen
from mailhost.net.process import run_process
from mailhost.net.tls import server_context


class Command(command_line.ServerCommand):
    """See `help`."""

    help = (
        "Serves POP3 (RFC 1939) on MAILHOST_PORT_POP3 (STLS) and MAILHOST_PORT_POP3S (TLS), until SIGTERM or Ctrl-C.\n"
        "Several may run side by side on the same ports."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs until it is told to end."""
        try:
            tls = server_context(settings.TLS_CERT, settings.TLS_KEY)
        except OSError as error:  # covers ssl.SSLError
            raise CommandError(
                f"The certificate {settings.TLS_CERT} or its key cannot be used: {error}"
            ) from error
        try:
            run_process(partial(main, tls=tls), name="pop3")
        except CannotListen as error:
            raise CommandError(str(error)) from error
