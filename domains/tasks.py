"""What Celery runs for domains."""

from celery import shared_task
from django.utils import timezone

from domains import dkim_rotation
from mailhost.net.resolver import configured_resolver


@shared_task(name="domains.tend_dkim_keys", ignore_result=True)
def tend_dkim_keys() -> None:
    """DKIM keys made, put to use and retired, by DNS and the clock."""
    dkim_rotation.tend_keys(now=timezone.now(), resolver=configured_resolver())
