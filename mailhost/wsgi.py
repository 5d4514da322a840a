"""For web servers that speak WSGI; each of their threads keeps one database connection."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailhost.settings")

from django.core.wsgi import get_wsgi_application

import mailhost.celery  # noqa: F401  a message sent from the web wakes the queue's worker

application = get_wsgi_application()
