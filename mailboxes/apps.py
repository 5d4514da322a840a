"""The mailboxes app."""

from django.apps import AppConfig


class MailboxesConfig(AppConfig):
    """Names the app for Django."""

    name = "mailboxes"

    def ready(self) -> None:
        """Registers the checks."""
        from mailboxes import checks  # noqa: F401 (importing it registers)
