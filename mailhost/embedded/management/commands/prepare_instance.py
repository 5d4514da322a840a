"""`manage.py prepare_instance`: a step of `up`, in a process of its own."""

from typing import Any

from mailhost import command_line
from mailhost.embedded.preparation import prepare


class Command(command_line.Command):
    help = (
        "Brings the database up to date, makes the local certificate, and adds the demo domain where nothing is\n"
        "hosted yet. `up` does this at each start."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        prepare()
