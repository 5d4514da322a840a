"""Bans a network, from the command line."""

from typing import Any, ClassVar

from django.core.management.base import CommandParser
from django.utils import timezone

from mailhost import command_line
from mailhost.bans.banning import ban
from mailhost.bans.exceptions import BanFact


class Command(command_line.Command):
    """ban NETWORK [--hours N] [--reason TEXT]"""

    help = "Bans an address or a network from SMTP, IMAP and POP3. It takes hold within seconds."
    facts: ClassVar[tuple[type[Exception], ...]] = (BanFact,)
    examples = """\
  manage.py ban 192.0.2.7 --hours 24 --reason 'guesses passwords'
  manage.py ban 2001:db8:5::/48                               (for good)
"""

    def add_arguments(self, parser: CommandParser) -> None:
        """Its arguments."""
        parser.add_argument(
            "network", metavar="NETWORK", help="an IP address (IPv6: with its /64) or a network"
        )
        parser.add_argument("--hours", metavar="N", type=float, help="for how long; without: for good")
        parser.add_argument(
            "--reason", metavar="TEXT", default="by hand", help="for whoever looks at it later"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Does it."""
        hours = options["hours"]
        made = ban(
            network=options["network"],
            reason=options["reason"],
            seconds=None if hours is None else hours * 3_600,
            by="cli",
            now=timezone.now(),
        )
        end = f"until {made.expires_at:%Y-%m-%d %H:%M} UTC" if made.expires_at else "for good"
        self.stdout.write(f"{made.network} is banned {end}.")
