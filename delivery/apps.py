"""The delivery app."""

from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    """Names the app for Django."""

    name = "delivery"
