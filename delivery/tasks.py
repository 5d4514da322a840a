"""What Celery runs: rounds of the queue, notices, digests, cleaning. Postgres is the truth; a lost task only delays."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from delivery import bounces, digests, quarantine, returned, suppression_lists, trace
from delivery.feedback import counting, sending
from delivery.feedback.tls import counting as tls_counting
from delivery.feedback.tls import sending as tls_sending
from delivery.filters import forgetting
from delivery.known_recipients import forget_recipients
from delivery.queue import cleaning, orders
from delivery.queue.deliver_by import settle_overdue
from delivery.queue.notices import MOVE_WAITING, RELAY_DUE
from delivery.queue.route_moves import move_waiting
from delivery.queue.survey import survey
from delivery.queue.waiting import settle_taken_out
from delivery.relay.tls.configured import configured_fetcher
from delivery.relay.tls.refreshing import refresh_policies
from delivery.reports import reading
from delivery.returns import reading as returns_reading
from delivery.routes.making import encrypt_anew
from delivery.submission.once import forget_keys
from delivery.worker_thread import worker_thread
from mailboxes.store.content import remove_expired, remove_unreferenced
from mailboxes.store.deleted_mailboxes import remove_deleted_mailboxes
from mailhost.bans import banning
from mailhost.net.resolver import configured_resolver


@shared_task(name=RELAY_DUE, ignore_result=True)
def relay_due() -> None:
    """Starts sending what is due. Ends at once: the sending goes on in this process's event loop."""
    worker_thread().round()


@shared_task(name=MOVE_WAITING, ignore_result=True)
def move_to_routes() -> None:
    """What waits, to the routes that were changed; nothing where none was. And their passwords, after a new secret."""
    encrypt_anew()
    move_waiting(now=timezone.now())


@shared_task(name="delivery.report_due", ignore_result=True)
def report_due() -> None:
    """Notices about what is delayed, and those that could not be sent when they came up; what was taken out of an
    Outbox."""
    now = timezone.now()
    settle_taken_out(now=now)
    settle_overdue(now=now)
    bounces.mark_delayed(now=now)
    bounces.send_reports(now=now, new_name=bounces.new_name)


@shared_task(name="delivery.survey_queue", ignore_result=True)
def survey_queue() -> None:
    """Counts what waits and what came and went, for the pages."""
    survey(now=timezone.now())


@shared_task(name=orders.CARRY_OUT, ignore_result=True)
def carry_out_orders() -> None:
    """Goes on with verbs over the queue; where much is left, the next task does, so that others get their turn."""
    if orders.carry_out(clock=timezone.now):
        orders.orders_are_due()


@shared_task(name="delivery.read_reports", ignore_result=True)
def read_reports() -> None:
    """DMARC and TLS reports that came in since the last time."""
    reading.read_reports(now=timezone.now())


@shared_task(name="delivery.read_returned", ignore_result=True)
def read_returned() -> None:
    """Bounces and complaints that came in since the last time."""
    returns_reading.read_returned(now=timezone.now())


@shared_task(name="delivery.tell_of_quarantine", ignore_result=True)
def tell_of_quarantine() -> None:
    """The digests that are due."""
    digests.send_digests(now=timezone.now(), new_name=bounces.new_name)


@shared_task(name="delivery.send_feedback", ignore_result=True)
def send_feedback() -> None:
    """DMARC reports of our own that are due."""
    sending.send_due(now=timezone.now(), resolver=configured_resolver())


@shared_task(name="delivery.send_tls_feedback", ignore_result=True)
def send_tls_feedback() -> None:
    """TLS reports of our own that are due."""
    tls_sending.send_due(now=timezone.now(), resolver=configured_resolver())


@shared_task(name="delivery.refresh_tls_policies", ignore_result=True)
def refresh_tls_policies() -> None:
    """Fetches MTA-STS policies again that are a day old, and removes those that hold no longer."""
    if settings.MTA_STS and settings.RELAY != "capture":
        refresh_policies(now=timezone.now(), fetch=configured_fetcher(configured_resolver()).fetch)


@shared_task(name="delivery.clean", ignore_result=True)
def clean() -> None:
    """Removes what is kept no longer: finished messages, what nobody took out of quarantine, expunged messages,
    contents that nothing refers to any more, and verdicts on what is gone.
    """
    now = timezone.now()
    cleaning.remove_finished(now=now)
    orders.forget(now=now)
    quarantine.remove_expired(now=now)
    trace.keep_partitions(now=now, days=settings.TRACE_DAYS)
    banning.remove_expired(now=now)
    remove_expired(now=now)
    remove_deleted_mailboxes(now=now)
    remove_unreferenced(now=now)
    reading.forget_reports(now=now)
    suppression_lists.remove_expired(now=now)
    returned.forget_returned(now=now, days=settings.RETURNED_DAYS)
    counting.forget_feedback(now=now, days=settings.DMARC_REPORTS_DAYS)
    tls_counting.forget_sessions(now=now, days=settings.TLS_REPORTS_DAYS)
    forgetting.forget_verdicts(now=now)
    forget_keys(now=now)


@shared_task(name="delivery.forget_recipients", ignore_result=True)
def forget() -> None:
    """Removes the recipients that accounts wrote to longest ago, beyond what is remembered."""
    forget_recipients()
