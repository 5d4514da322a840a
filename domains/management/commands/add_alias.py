"""Makes an alias, from the command line."""

from typing import Any, ClassVar

from django.core.management.base import CommandParser

from domains.aliases import add_alias
from domains.exceptions import DomainFact
from mailhost import command_line


class Command(command_line.Command):
    """add_alias ADDRESS TARGET…"""

    help = "Makes an alias: mail for ADDRESS goes to every TARGET, here or elsewhere."
    facts: ClassVar[tuple[type[Exception], ...]] = (DomainFact,)
    examples = """\
  manage.py add_alias sales@example.org alice@example.org bob@example.net
  manage.py add_alias '*@example.org' alice@example.org     (the catch-all: every address that nobody else has)
"""

    def add_arguments(self, parser: CommandParser) -> None:
        """Its arguments."""
        parser.add_argument(
            "address", metavar="ADDRESS", type=command_line.address, help="an address of a hosted domain"
        )
        parser.add_argument(
            "targets", metavar="TARGET", nargs="+", type=command_line.address, help="where its mail goes"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Does it."""
        alias = add_alias(address=options["address"], targets=options["targets"], by="cli")
        self.stdout.write(f"Mail for {alias} goes to {', '.join(map(str, options['targets']))} now.")
