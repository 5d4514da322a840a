"""Lifts a ban, from the command line."""

from typing import Any, ClassVar

from django.core.management.base import CommandParser

from mailhost import command_line
from mailhost.bans.banning import unban
from mailhost.bans.exceptions import BanFact


class Command(command_line.Command):
    """unban NETWORK"""

    help = "Lifts the ban of an address or a network, as `manage.py bans` shows it."
    facts: ClassVar[tuple[type[Exception], ...]] = (BanFact,)
    examples = """\
  manage.py unban 192.0.2.7
"""

    def add_arguments(self, parser: CommandParser) -> None:
        """Its arguments."""
        parser.add_argument(
            "network", metavar="NETWORK", help="an IP address (IPv6: with its /64) or a network"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Does it."""
        unban(network=options["network"], by="cli")
        self.stdout.write(f"{options['network']} is banned no more.")
