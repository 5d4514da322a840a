"""`manage.py first_operator_link`: the one-time link for a host that has no operator yet."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.urls import reverse

from mailboxes.first_operator import make_token
from mailhost import command_line


class Command(command_line.Command):
    help = (
        "Prints a link that makes the first operator; it works once, and an older link stops working. Prints nothing "
        "where there is an operator."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        scheme = "https" if settings.HTTPS else "http"
        parser.add_argument(
            "--base",
            default=f"{scheme}://{settings.HOSTNAME}",
            help="Where the web server is reached (default: %(default)s).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        token = make_token()
        if token is not None:
            link = options["base"].rstrip("/") + reverse("first-operator", args=[token])
            self.stdout.write(
                f"This host has no operator yet. Make one here (the link works once):\n  {link}"
            )
