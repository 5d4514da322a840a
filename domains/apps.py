"""The domains app."""

from django.apps import AppConfig


class DomainsConfig(AppConfig):
    """Names the app for Django."""

    name = "domains"
