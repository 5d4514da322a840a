"""Makes an account, from the command line."""

import secrets
from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser

from domains.exceptions import DomainFact, DomainNotFound
from mailboxes.accounts import add_account
from mailboxes.exceptions import MailboxFact
from mailhost import command_line

PASSWORD_OCTETS = 15  # 120 random bits, 20 characters: nobody guesses it, and it can still be typed


class Command(command_line.Command):
    """add_account ADDRESS [--quota SIZE] [--operator] [--password-stdin]"""

    help = (
        "Makes an account with its mailboxes. Without --password-stdin a password is made and printed, once."
    )
    facts: ClassVar[tuple[type[Exception], ...]] = (DomainFact, MailboxFact)
    examples = """\
  manage.py add_account alice@example.org
  manage.py add_account bob@example.org --quota 10G
  manage.py add_account root@example.org --operator --password-stdin < password.txt
"""

    def add_arguments(self, parser: CommandParser) -> None:
        """Its arguments."""
        parser.add_argument(
            "address", metavar="ADDRESS", type=command_line.address, help="an address of a hosted domain"
        )
        parser.add_argument(
            "--quota",
            metavar="SIZE",
            type=command_line.octets,
            help="what all its messages may take, such as 500M or 5G; 0: no limit (MAILHOST_DEFAULT_QUOTA if left out)",
        )
        parser.add_argument("--operator", action="store_true", help="lets it administer the whole host")
        parser.add_argument(
            "--password-stdin",
            action="store_true",
            help="read the password from the first line of standard input",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Does it. The password alone goes to stdout, so that scripts can take it from there."""
        is_given = options["password_stdin"]
        password = command_line.read_password() if is_given else secrets.token_urlsafe(PASSWORD_OCTETS)
        try:
            account = add_account(
                address=options["address"],
                password=password,
                quota_octets=options["quota"],
                is_operator=options["operator"],
                by="cli",
            )
        except DomainNotFound as error:
            raise CommandError(f"{error} Add it first: manage.py add_domain {error.name}") from error
        self.remark(f"{account.login} can sign in now{'.' if is_given else ' with this password:'}")
        if not is_given:
            self.stdout.write(password)
