"""The delivery app."""

from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    """Names the app for Django."""

    name = "delivery"

    def ready(self) -> None:
        """Registers the checks."""
        from delivery import checks  # noqa: F401 (importing it registers)
