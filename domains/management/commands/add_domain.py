"""Hosts a domain, from the command line."""

from typing import Any, ClassVar

from django.core.management.base import CommandParser

from domains.exceptions import DomainFact
from domains.registration import add_domain
from mailhost import command_line


class Command(command_line.Command):
    """add_domain NAME"""

    help = "Hosts a domain: from now on its mail is received here. Add accounts to it with add_account."
    facts: ClassVar[tuple[type[Exception], ...]] = (DomainFact,)
    examples = """\
  manage.py add_domain example.org
  manage.py add_domain bücher.example
  manage.py add_domain example.net --alias-of example.org
"""

    def add_arguments(self, parser: CommandParser) -> None:
        """Its arguments."""
        parser.add_argument("name", metavar="NAME", help="the domain, in A-labels or U-labels")
        parser.add_argument(
            "--alias-of",
            metavar="DOMAIN",
            help="make it a domain alias: mail for anybody@NAME goes to anybody@DOMAIN",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Does it."""
        domain = add_domain(name=options["name"], alias_of=options["alias_of"], by="cli")
        self.stdout.write(f"{domain.name} is hosted here now.")
