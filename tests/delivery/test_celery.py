"""A real Celery worker on Valkey: it is told of new mail, and killed in the middle of a conversation."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from django.conf import settings as django_settings
from django.db import connection
from pytest_django import Settings

from delivery.queue.notices import Notifier, send_notice
from mailhost.celery import app
from mailhost.net.store_threads import in_store
from tests.support.dns_server import DnsServer, dns_server
from tests.support.queueing import queue, state
from tests.support.running import run
from tests.support.smtp_sink import SmtpSink, smtp_sink


def database_url() -> str:
    """The test database, as another process names it."""
    words = django_settings.DATABASES["default"]
    host, port = words["HOST"], words["PORT"] or 5432
    where = f"@/{words['NAME']}?host={quote(host, safe='')}" if host.startswith("/") else ""
    return f"postgresql://{words['USER']}:{words['PASSWORD']}" + (where or f"@{host}:{port}/{words['NAME']}")


@contextmanager
def celery_worker(dns: DnsServer, sink: SmtpSink) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker process that relays to the sink."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "MAILHOST_RELAY": "direct",
        "MAILHOST_RELAY_TO_PRIVATE": "1",
        "MAILHOST_RELAY_PORT": str(sink.port),
        "MAILHOST_RESOLVER": f"127.0.0.1:{dns.port}",
        "MAILHOST_QUEUE_LEASE": "1.5",
    }
    command = [sys.executable, "-m", "celery", "-A", "mailhost.celery", "worker"]
    words = ["--without-mingle", "--without-gossip", "--loglevel", "WARNING"]
    worker = subprocess.Popen([*command, *words], env=environment)
    try:
        yield worker
    finally:
        worker.terminate()
        try:
            worker.wait(10)
        except subprocess.TimeoutExpired:
            worker.kill()
            raise


@pytest.fixture(autouse=True)
def queue_leads_out(settings: Settings, shared_db: None) -> None:
    settings.RELAY = "direct"
    app.control.purge()
    with connection.cursor() as sql:
        sql.execute(
            "TRUNCATE delivery_attempt, delivery_queuedrecipient, delivery_queuedmessage, delivery_destination"
        )


def queue_now(forward_path: str) -> int:
    return queue(forward_path, now=datetime.now(UTC))


def test_a_killed_worker_loses_nothing_and_the_next_one_is_told_of_new_mail() -> None:
    async def scenario() -> None:
        async with dns_server() as dns, smtp_sink() as sink:
            dns.say("far.test", "A", "127.0.0.1")
            dns.say("near.test", "A", "127.0.0.1")
            sink.gate = asyncio.Event()
            with celery_worker(dns, sink) as worker:
                await in_store(queue_now, "bob@far.test")  # the commit tells the worker
                async with asyncio.timeout(30):
                    await sink.at_gate.wait()
                worker.kill()
                await asyncio.to_thread(worker.wait, 10)
            assert await in_store(state, "bob@far.test") == "queued"
            sink.gate = None
            with celery_worker(dns, sink) as worker:
                await in_store(queue_now, "dave@near.test")
                async with asyncio.timeout(30):
                    awaited = {"bob@far.test", "dave@near.test"}
                    while not awaited <= {path for each in sink.received for path in each.forward_paths}:
                        await asyncio.to_thread(send_notice)  # as beat does
                        try:
                            await sink.wait_for(len(sink.received) + 1, seconds=0.5)
                        except TimeoutError:
                            pass
                worker.terminate()
                assert await asyncio.to_thread(worker.wait, 10) == 0
            assert await in_store(state, "bob@far.test") == "delivered"
            assert await in_store(state, "dave@near.test") == "delivered"

    run(scenario())


def test_many_commits_make_few_notices_and_a_redis_that_is_away_holds_nobody_up() -> None:
    sent = []

    def send() -> None:
        sent.append(1)
        raise OSError("away")

    notifier = Notifier(send, pause_seconds=0.01)
    for _ in range(1_000):
        notifier.tell()
    assert len(sent) <= 2
