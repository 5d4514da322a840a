"""The domains app."""

from django.apps import AppConfig


class DomainsConfig(AppConfig):
    """Names the app for Django."""

    name = "domains"

    def ready(self) -> None:
        """Registers the checks."""
        from domains import checks  # noqa: F401 (importing it registers)
