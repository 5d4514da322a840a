"""What Celery runs: rounds of the queue, notices, cleaning. Postgres is the truth; a lost task only delays."""

from celery import shared_task
from django.utils import timezone

from delivery import bounces
from delivery.queue import cleaning
from delivery.queue.notices import RELAY_DUE
from delivery.worker_thread import worker_thread
from mailboxes.store.content import remove_expired, remove_unreferenced
from mailboxes.store.deleted_mailboxes import remove_deleted_mailboxes
from mailhost.bans import banning


@shared_task(name=RELAY_DUE, ignore_result=True)
def relay_due() -> None:
    """Starts sending what is due. Ends at once: the sending goes on in this process's event loop."""
    worker_thread().round()


@shared_task(name="delivery.report_due", ignore_result=True)
def report_due() -> None:
    """Notices about what is delayed, and those that could not be sent when they came up."""
    now = timezone.now()
    bounces.mark_delayed(now=now)
    bounces.send_reports(now=now, new_name=bounces.new_name)


@shared_task(name="delivery.clean", ignore_result=True)
def clean() -> None:
    """Removes what is kept no longer: finished messages, expunged ones, contents that nothing refers to."""
    now = timezone.now()
    cleaning.remove_finished(now=now)
    banning.remove_expired(now=now)
    remove_expired(now=now)
    remove_deleted_mailboxes(now=now)
    remove_unreferenced(now=now)
