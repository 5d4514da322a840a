"""The webmail app, which also gives the admin this house's name."""

from django.apps import AppConfig
from django.contrib import admin


class WebmailConfig(AppConfig):
    """Names the app for Django."""

    name = "mailhost.webmail"
    label = "webmail"

    def ready(self) -> None:
        """Django's groups have no meaning here: operators may do everything, others nothing."""
        from django.contrib.auth.models import Group

        admin.site.site_header = admin.site.site_title = "Mailhost"
        admin.site.index_title = "Administration"
        admin.site.enable_nav_sidebar = True
        admin.site.empty_value_display = "–"
        if admin.site.is_registered(Group):
            admin.site.unregister(Group)
