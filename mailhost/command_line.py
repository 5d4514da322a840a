"""What our management commands have in common: help that reads well, and refusals as one sentence on stderr."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, ProgrammingError

from mailhost.environment import parse_octets
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress

MAX_QUOTA_OCTETS = (1 << 63) - 1  # what the column holds


class Command(BaseCommand):
    """A command whose `facts` (exceptions of the verbs that it calls) end it with their sentence and status 1."""

    facts: ClassVar[tuple[type[Exception], ...]] = ()
    examples = ""
    # What system checks find is for who changes the code, not for who runs the host.
    requires_system_checks: list[str] | tuple[str, ...] | Literal["__all__"] = ()
    # Django's own options still work; they would bury what the command is about.
    suppressed_base_arguments = {
        "--version",
        "--verbosity",
        "--settings",
        "--pythonpath",
        "--traceback",
        "--no-color",
        "--force-color",
        "--skip-checks",
    }

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keeps the line breaks of help and examples."""
        epilog = f"examples:\n{self.examples}" if self.examples else None
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, epilog=epilog, **kwargs)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Runs it. What stands in the way becomes a CommandError."""
        with self.refusals():
            return super().execute(*args, **options)

    def remark(self, sentence: str) -> None:
        """On stderr, as stdout is for what scripts take; without the colour of errors."""
        self.stderr.write(sentence, style_func=str)

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """One sentence for everything that is not a defect of ours."""
        try:
            yield
        except self.facts as error:
            raise CommandError(str(error)) from error
        except (OperationalError, InterfaceError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise CommandError(f"The database does not answer ({reason}). Does the host run?") from error
        except ProgrammingError as error:
            if "does not exist" not in str(error):
                raise
            raise CommandError("The database has no tables yet. Run `manage.py migrate` first.") from error


class ServerCommand(Command):
    """A command that runs until it is told to end: it checks its settings first, as Django's own commands do."""

    requires_system_checks = "__all__"


def address(text: str) -> EmailAddress:
    """An argument that is an address."""
    try:
        return EmailAddress.parse(text)
    except AddressSyntaxError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not an address: {error}") from error


def octets(text: str) -> int:
    """An argument that is a size."""
    try:
        size = parse_octets(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not {error}.") from error
    if size > MAX_QUOTA_OCTETS:
        raise argparse.ArgumentTypeError(f"{text!r} is more than can be stored.")
    return size


def read_password() -> str:
    """The first line of standard input, without its line end."""
    try:
        password = sys.stdin.readline().rstrip("\r\n")
        password.encode()
    except UnicodeError:
        raise CommandError("The password on standard input is not UTF-8.") from None
    if not password:
        raise CommandError("There is no password on standard input.")
    return password
