"""The bans app: networks that no protocol door answers."""

from django.apps import AppConfig


class BansConfig(AppConfig):
    """Names the app for Django."""

    name = "mailhost.bans"
    label = "bans"
