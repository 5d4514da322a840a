"""The Celery application. Redis carries notices only; what is to be done stands in Postgres.

Imported by manage.py, asgi.py and wsgi.py before any task is declared, never by `mailhost/__init__.py`: that would
load Celery, and Django's settings, wherever any module of the house is imported.
"""

import os
import sys
from typing import Final

from celery import Celery, signals
from django.conf import settings

from mailhost.net.process import set_up_log
from mailhost.net.redis_clients import kombu_url

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailhost.settings")

REPORT_SECONDS: Final = 30
ORDER_SECONDS: Final = 15
CLEAN_SECONDS: Final = 600
READ_REPORTS_SECONDS: Final = 60
SEND_FEEDBACK_SECONDS: Final = 300
TEND_KEYS_SECONDS: Final = 300
FORGET_SECONDS: Final = 6 * 3_600

app = Celery("mailhost")
app.conf.update(
    broker_url=kombu_url(settings.REDIS_URL) or "memory://",  # none: a command without servers beside it
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # Redis comes back, and the worker with it, however long that takes
    broker_transport_options={
        # Longer than any task takes: rounds end at once, cleaning within minutes.
        "visibility_timeout": 3_600,
        "socket_connect_timeout": 2,
        "socket_timeout": 5,
        "socket_keepalive": True,
    },
    task_ignore_result=True,
    task_default_queue="mailhost",
    # Tasks are short, and wait for Postgres. One process has one event loop and reuses its connections.
    worker_pool="threads",
    worker_concurrency=4,
    worker_prefetch_multiplier=1,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    timezone="UTC",
    beat_max_loop_interval=min(settings.QUEUE_TICK_SECONDS, settings.SEARCH_INDEX_TICK_SECONDS),
    beat_schedule={
        # Each expires before the next one: a worker that was away finds one of them, not a thousand.
        name: {"task": name, "schedule": seconds, "options": {"expires": seconds}}
        for name, seconds in (
            ("delivery.relay_due", settings.QUEUE_TICK_SECONDS),
            ("delivery.report_due", REPORT_SECONDS),
            ("delivery.survey_queue", settings.QUEUE_SURVEY_SECONDS),
            ("delivery.carry_out_orders", ORDER_SECONDS),
            ("delivery.move_waiting", REPORT_SECONDS),
            ("delivery.read_reports", READ_REPORTS_SECONDS),
            ("delivery.read_returned", READ_REPORTS_SECONDS),
            ("delivery.send_feedback", SEND_FEEDBACK_SECONDS),
            ("delivery.refresh_tls_policies", CLEAN_SECONDS),
            ("delivery.send_tls_feedback", SEND_FEEDBACK_SECONDS),
            ("delivery.tell_of_quarantine", CLEAN_SECONDS),
            ("delivery.clean", CLEAN_SECONDS),
            ("delivery.forget_recipients", FORGET_SECONDS),
            ("domains.tend_dkim_keys", TEND_KEYS_SECONDS),
            ("mailboxes.fill_search_index", settings.SEARCH_INDEX_TICK_SECONDS),
            ("mailboxes.shrink_search_index", CLEAN_SECONDS),
            ("mailboxes.learn_junk", settings.JUNK_LEARNING_TICK_SECONDS),
            ("mailboxes.forget_junk", CLEAN_SECONDS),
        )
    },
)
app.autodiscover_tasks()


@signals.setup_logging.connect
def _set_up_log(**_: object) -> None:
    """One form of line for all processes; Celery then leaves logging alone."""
    set_up_log(next((word for word in ("worker", "beat") if word in sys.argv), "celery"))
