"""Shows who is banned, from the command line."""

from typing import Any

from django.utils import timezone

from mailhost import command_line
from mailhost.bans.banning import active_bans


class Command(command_line.Command):
    """bans"""

    help = "Shows the networks that are banned: until when, by whom, and why; one a line, separated by tabs."
    examples = """\
  manage.py bans
"""

    def handle(self, *args: Any, **options: Any) -> None:
        """Does it."""
        for each in active_bans(now=timezone.now()):
            end = f"{each.expires_at:%Y-%m-%d %H:%M}" if each.expires_at else "for good"
            self.stdout.write("\t".join((each.network, end, each.made_by, each.reason)))
