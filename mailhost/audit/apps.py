"""The audit app: who did what."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Names the app for Django."""

    name = "mailhost.audit"
    label = "audit"
