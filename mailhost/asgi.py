"""The web server's way in: `uvicorn mailhost.asgi:application`."""

import os
from typing import cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailhost.settings")

from django.conf import settings
from django.core.asgi import get_asgi_application

import mailhost.celery  # noqa: F401 - a message sent from the web wakes the queue's worker
from mailhost.webmail.body_limit import Application, BodyLimit

# Django gives each request of an ASGI server a thread and a context of its own, so a connection kept by its thread
# would be used once. The web process takes them from a pool instead.
settings.DATABASES["default"].update(settings.POOLED_DATABASE)
application = BodyLimit(cast(Application, get_asgi_application()), limit=settings.MAX_REQUEST_OCTETS)
