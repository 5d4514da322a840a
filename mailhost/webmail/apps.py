"""The webmail app."""

from django.apps import AppConfig


class WebmailConfig(AppConfig):
    """Names the app for Django."""

    name = "mailhost.webmail"
    label = "webmail"
