"""Makes a key for the REST API, from the command line."""

import argparse
from typing import Any, ClassVar

from django.core.management.base import CommandParser

from mailboxes.api_keys import add_api_key
from mailboxes.exceptions import MailboxFact
from mailhost import command_line

MAX_NAME = 100  # characters; it stands in every line of the audit trail


def key_name(text: str) -> str:
    """An argument that can name a key."""
    if not 0 < len(text) <= MAX_NAME or not text.isprintable() or text != text.strip():
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a name: 1 to {MAX_NAME} printable characters, no space at the ends."
        )
    return text


class Command(command_line.Command):
    """add_api_key NAME [--account LOGIN]"""

    help = "Makes a key for the REST API at /api/v1/ and prints it, once: only a digest of it is stored."
    facts: ClassVar[tuple[type[Exception], ...]] = (MailboxFact,)
    examples = """\
  manage.py add_api_key provisioning
  manage.py add_api_key monitoring --account postmaster@example.org
  curl -H "Authorization: Bearer KEY" http://localhost:8000/api/v1/domains
"""

    def add_arguments(self, parser: CommandParser) -> None:
        """Its arguments."""
        parser.add_argument(
            "name", metavar="NAME", type=key_name, help="who will use it; the audit trail says api:NAME"
        )
        parser.add_argument(
            "--account",
            metavar="LOGIN",
            help="the key sees what this account and the domains that it administers may see, and sends as it; without "
            "it the key may do everything",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Does it. The key alone goes to stdout, so that scripts can take it from there."""
        key = add_api_key(name=options["name"], login=options["account"], by="cli")
        self.remark(f"The key {options['name']} is this; it cannot be shown again:")
        self.stdout.write(key)
