"""A host that reports, with a DNS server of this run's own to ask who may be reported to."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from pytest_django import Settings

from tests.support.servers import running

if TYPE_CHECKING:
    from tests.support.dns_server import DnsServer


@pytest.fixture(scope="module")
def dns() -> "Iterator[DnsServer]":
    from tests.support.dns_server import dns_server  # needs Django, which is not ready when this is read

    with running(dns_server()) as server:
        yield server


@pytest.fixture
def reporting(settings: Settings, db: None) -> Settings:
    """Set to report as mx.here.test; nothing else is counted."""
    from delivery.models import DmarcFeedback

    settings.DMARC_REPORTS, settings.HOSTNAME = True, "mx.here.test"
    DmarcFeedback.objects.all().delete()
    return settings
