"""What counts shared over Redis are tested with."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from mailhost.net.redis_clients import shared_breaker


@pytest.fixture
def key() -> str:
    return f"test:{uuid.uuid4()}"


@pytest.fixture
def redis_away(tmp_path: Path) -> Iterator[None]:
    shared_breaker.cache_clear()
    with override_settings(REDIS_URL=f"unix://{tmp_path}/nobody"):
        yield
    shared_breaker.cache_clear()
