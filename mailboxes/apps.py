"""The mailboxes app."""

from django.apps import AppConfig


class MailboxesConfig(AppConfig):
    """Names the app for Django."""

    name = "mailboxes"
