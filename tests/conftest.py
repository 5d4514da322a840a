"""Every run has a Postgres and a Valkey of its own, thrown away at the end.

They are named in the environment when this file is imported, which is before Django reads its settings, and
started when the session starts. MAILHOST_TEST_DATABASE_URL and MAILHOST_TEST_REDIS_URL name other ones.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import hypothesis
import pytest
from django.test.utils import setup_databases
from pytest_django.plugin import DjangoDbBlocker

from mailhost.embedded import places
from mailhost.embedded.child import ServerFailed
from mailhost.embedded.postgres import Postgres
from mailhost.embedded.valkey import Valkey
from tests.support.examples import FACTOR

GIVEN_DATABASE = os.environ.get("MAILHOST_TEST_DATABASE_URL", "")
GIVEN_REDIS = os.environ.get("MAILHOST_TEST_REDIS_URL", "")
VAR = Path(tempfile.mkdtemp(prefix="mailhost-test-"))


def choose_environment() -> None:
    """What the shell of whoever runs the tests has set must not change their outcome."""
    for name in list(os.environ):
        if name.startswith("MAILHOST_") and not name.startswith("MAILHOST_TEST_"):
            del os.environ[name]
    os.environ.update(
        DJANGO_SETTINGS_MODULE="mailhost.settings",
        MAILHOST_VAR=str(VAR),
        DATABASE_URL=GIVEN_DATABASE or places.database_url(VAR),
        REDIS_URL=GIVEN_REDIS or places.redis_url(VAR),
        MAILHOST_BIND="127.0.0.1",
        MAILHOST_HTTPS="0",
        MAILHOST_RELAY="capture",
        MAILHOST_SMTP_REFUSE_EARLY_TALKERS="0",  # given where a test is about it
        MAILHOST_DKIM_AUTOMATIC="0",  # making an RSA key takes as long as many a test; given where one is about it
        MAILHOST_SHARE_WITH_ANYONE="1",  # switched off where a test is about that
    )


choose_environment()
# Shared, slow machines are no failure.
hypothesis.settings.register_profile("house", deadline=None, max_examples=100 * FACTOR)
hypothesis.settings.load_profile("house")

servers: list[Postgres | Valkey] = []


def pytest_configure(config: pytest.Config) -> None:
    django.setup()


def pytest_sessionstart(session: pytest.Session) -> None:
    if session.config.option.collectonly:
        return
    folder = places.socket_folder(VAR)
    if not GIVEN_DATABASE:
        servers.append(
            Postgres(
                data=VAR / "postgres", sockets=folder, log=VAR / "log" / "postgres.log", fast_and_unsafe=True
            )
        )
    if not GIVEN_REDIS:
        servers.append(
            Valkey(
                data=VAR / "valkey",
                socket_path=places.valkey_socket(VAR),
                log=VAR / "log" / "valkey.log",
                fast_and_unsafe=True,
            )
        )
    try:
        for server in servers:
            server.start()
    except ServerFailed as error:
        pytest.exit(str(error), returncode=3)


def pytest_unconfigure(config: pytest.Config) -> None:
    for server in reversed(servers):
        server.stop()
    shutil.rmtree(VAR, ignore_errors=True)
    shutil.rmtree(places.socket_folder(VAR), ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Always the test database. pytest-django's own makes it only where a chosen test is marked as using one.

    It goes with its server: dropping it would wait for other threads' connections.
    """
    with django_db_blocker.unblock():
        setup_databases(verbosity=0, interactive=False, keepdb=not GIVEN_DATABASE)


@pytest.fixture(scope="session")
def shared_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The database for tests with listeners or threads: what they write is committed and stays.

    Such tests make a domain and accounts of their own (tests/support/hosting.py) and look at no other.
    """
    with django_db_blocker.unblock():
        yield
