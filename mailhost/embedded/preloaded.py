"""What the processes of ./run share: imported once by the nursery. Nothing here may connect, listen or start a thread.

mailhost.asgi is not among it: it changes the settings of the web process.
"""

import importlib
import os

import django

FIRST = ("mailhost.celery",)  # shared tasks belong to the application that exists when they are declared
THEN = (  # not the celery command itself, which loads a shell: nobody waits for the worker
    "delivery.smtp.server",
    "mailboxes.imap.server",
    "mailboxes.pop3.server",
    "mailhost.urls",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.concurrency.prefork",
    "kombu.transport.redis",
    "uvicorn.main",
    "uvicorn.protocols.http.auto",
    "uvloop",
)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailhost.settings")
for name in FIRST:
    importlib.import_module(name)
django.setup()
for name in THEN:
    importlib.import_module(name)
