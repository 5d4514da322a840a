"""A host that sends TLS reports, signed by its own domain."""

import pytest
from pytest_django import Settings


@pytest.fixture
def reporting_tls(settings: Settings, db: None) -> Settings:
    """Set to report; nothing else is counted."""
    from delivery.models import TlsFeedback

    settings.TLS_REPORTS, settings.HOSTNAME = True, "mx.here.test"
    TlsFeedback.objects.all().delete()
    return settings
