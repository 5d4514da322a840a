"""Run as a process of its own: a scratch Postgres, filled, and then timed; prints JSON of (table, what, figure)."""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from mailhost.embedded import places
from mailhost.embedded.postgres import Postgres

TIMES: Final = 5
OF_A_VERB: Final = 10_000
DEFERRED: Final = 20_000
TAKEN: Final = 2_000
PAGES: Final = (
    ("the page", ""),
    ("filtered by next hop, the one with most", "?next_hop=d1.far.test"),
    ("filtered by domain", "?domain=d1.far.test"),
    ("filtered by sender", "?sender=u1@ours1.test"),
    ("filtered by recipient", "?recipient=r1.5@d1.far.test"),
    ("filtered by the alias that was written to", "?recipient=team7@ours7.test"),
    ("filtered by reply, 100,000 found", "?reply=try+again"),
    ("filtered by reply, 20 found", "?reply=case+4711"),
    ("filtered by reply, none found", "?reply=no+such+words"),
    ("filtered by a next hop's reply, 300,000 found", "?reply=timed+out"),
    ("filtered by state, 10,000 held", "?state=held"),
    ("filtered by age, over a day", "?age=o86400"),
)
PREVIEWS: Final = (
    ("hold everything", "?verb=hold"),
    ("hold what waits for one next hop", "?verb=hold&next_hop=d1.far.test"),
    ("hold by a part of the reply", "?verb=hold&reply=try+again"),
    ("hold by sender", "?verb=hold&sender=u1@ours1.test"),
)


@contextmanager
def scratch() -> Iterator[None]:
    """A migrated database that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="mailhost-bench-") as folder:
        var = Path(folder)
        os.environ.update(
            DJANGO_SETTINGS_MODULE="mailhost.settings",
            MAILHOST_VAR=folder,
            MAILHOST_HTTPS="0",
            MAILHOST_RELAY="direct",
            MAILHOST_DKIM_AUTOMATIC="0",
            MAILHOST_ALLOWED_HOSTS="testserver",
            DATABASE_URL=places.database_url(var),
            REDIS_URL="",
        )
        server = Postgres(
            data=var / "postgres", sockets=places.socket_folder(var), log=var / "log" / "postgres.log"
        )
        server.start()
        try:
            import django

            django.setup()
            from django.core.management import call_command

            import mailhost.celery  # noqa: F401  notices go to its broker, which is this process: there is no other

            call_command("migrate", verbosity=0)
            yield
        finally:
            server.stop()


def median_ms(act: Callable[[], Any], *, times: int = TIMES) -> float:
    """Of so many, after one that warms up."""
    act()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        taken.append((time.perf_counter() - began) * 1_000)
    return statistics.median(taken)


def pages() -> Iterator[tuple[str, str, float]]:
    """As an operator's browser asks for them, and a domain administrator's."""
    from django.test import Client

    from mailboxes.administration import appoint_administrator
    from mailboxes.models import Account

    def get(browser: Client, where: str) -> None:
        answer = browser.get(where)
        assert answer.status_code == 200, (where, answer.status_code)

    operator, ada = Account.objects.order_by("pk")[:2]
    Account.objects.filter(pk=operator.pk).update(is_operator=True)
    appoint_administrator(domain="ours3.test", login=ada.login, by="bench")
    browsers = {}
    for account in (operator, ada):
        browsers[account.pk] = Client()
        browsers[account.pk].force_login(account, backend="mailboxes.authentication.Backend")
    where = "/panel/queue/"
    for what, query in PAGES:
        yield "page", what, median_ms(partial(get, browsers[operator.pk], where + query))
    yield (
        "page",
        "in the administration",
        median_ms(lambda: get(browsers[operator.pk], "/admin/delivery/queuedrecipient/")),
    )
    yield (
        "page",
        "of a domain's administrator, 50,000 of hers",
        median_ms(lambda: get(browsers[ada.pk], where)),
    )
    numbers = where + "numbers/"
    yield (
        "page",
        "numbers alone, as the page asks again",
        median_ms(lambda: get(browsers[operator.pk], numbers)),
    )
    for what, query in PREVIEWS:
        yield "preview", what, median_ms(partial(get, browsers[operator.pk], f"{where}preview/{query}"))


def verbs() -> Iterator[tuple[str, str, float]]:
    """Each over all that waits for one next hop with some 10,000, as orders carry them out."""
    from django.utils import timezone

    from delivery.models import Destination, QueueSurvey
    from delivery.queue import orders
    from delivery.queue.filtering import QueueFilter
    from delivery.queue.verbs import Order, Verb

    hops = QueueSurvey.objects.get(domain="").standing["hops"]
    near = sorted(hops, key=lambda hop: abs(hop[1] - OF_A_VERB))
    names = Destination.objects.in_bulk([hop[0] for hop in near[:5]])
    places = iter(row.name for row in names.values())
    held = next(places)
    needs: dict[Verb, dict[str, Any]] = {
        Verb.DEFER: {"until": timezone.now() + timedelta(hours=1)},
        Verb.REDIRECT: {"to": "other.test"},
    }
    for verb in (Verb.HOLD, Verb.RELEASE, Verb.RETRY, Verb.DEFER, Verb.REDIRECT, Verb.BOUNCE):
        asked = QueueFilter(next_hop=held if verb in (Verb.HOLD, Verb.RELEASE) else next(places))
        began = time.perf_counter()
        order = Order(verb=verb, **needs.get(verb, {}))
        row = orders.place(order=order, asked=asked, by="bench", now=timezone.now())
        while orders.go_on(row.pk, now=timezone.now()):
            pass
        row.refresh_from_db()
        assert row.changed, verb
        yield "verb", f"{verb} {row.changed:,} recipients", (time.perf_counter() - began) * 1_000


def surveys() -> Iterator[tuple[str, str, float]]:
    """What the worker's clock does."""
    from django.utils import timezone

    from delivery.queue.survey import survey

    took = median_ms(lambda: survey(now=timezone.now(), is_urgent=True), times=3)
    yield "verb", "a survey of everything", took


def indexes() -> Iterator[tuple[str, str, float]]:
    """What the two indexes of this page cost where mail is taken and where it is deferred."""
    from django.db import connection

    kept = {}
    with connection.cursor() as sql:
        sql.execute("SELECT indexname, indexdef FROM pg_indexes WHERE indexname = ANY(%s)", (list(INDEXES),))
        kept = dict(sql.fetchall())
    assert set(kept) == set(INDEXES)
    for label in ("with", "without", "with", "without"):
        with connection.cursor() as sql:
            for name, definition in kept.items():
                sql.execute(definition if label == "with" and not _is_there(name) else "SELECT 1")
                if label == "without":
                    sql.execute(f"DROP INDEX {name}")
        yield "index", f"queueing a message for 10, {label} them", _queueing()
        yield "index", f"deferring a recipient, {label} them", _deferring()


INDEXES: Final = ("recipient_set_aside", "recipient_reply")


def _is_there(name: str) -> bool:
    from django.db import connection

    with connection.cursor() as sql:
        sql.execute("SELECT 1 FROM pg_indexes WHERE indexname = %s", (name,))
        return sql.fetchone() is not None


def _queueing() -> float:
    """µs for each message."""
    from django.db import transaction
    from django.utils import timezone

    from delivery.queue.enqueue import enqueue
    from delivery.queue.rows import NewQueuedMessage

    began = time.perf_counter()
    for number in range(TAKEN // 20):
        with transaction.atomic():
            enqueue(
                [
                    NewQueuedMessage(
                        content_id=number * 20 + part,
                        reverse_path="u1@ours1.test",
                        size_octets=4_000,
                        forward_paths=[f"n{each}@d{each}.far.test" for each in range(1, 11)],
                    )
                    for part in range(20)
                ],
                now=timezone.now(),
            )
    return (time.perf_counter() - began) / TAKEN * 1e6


DEFER: Final = """
UPDATE delivery_queuedrecipient recipient
   SET state = 'deferred', attempts = attempts + 1, last_status = '4.7.1', next_attempt_at = now(), last_reply =
       '451 4.7.1 mx' || id % 1000 || '.far.test: try again later, case ' || id % 5000 || ', too many messages'
 WHERE id = ANY(%s)
"""


def _deferring() -> float:
    """µs for each recipient, in batches of 200."""
    from django.db import connection

    from delivery.models import QueuedRecipient

    rows = QueuedRecipient.objects.filter(state="queued").order_by("pk").values_list("pk", flat=True)
    ids = list(rows[:DEFERRED])
    with connection.cursor() as sql:
        began = time.perf_counter()
        for start in range(0, len(ids), 200):
            sql.execute(DEFER.replace("% ", "%% "), (ids[start : start + 200],))
        return (time.perf_counter() - began) / len(ids) * 1e6


def main() -> None:
    """Says on stderr where it is."""
    recipients = int(sys.argv[1])
    figures: list[tuple[str, str, float]] = []
    with scratch():
        from tests.bench.queue.filling import fill

        sys.stderr.write(f"queue: filling {recipients:,} recipients\n")
        fill(recipients=recipients)
        for part in (surveys, pages, verbs, indexes):
            for figure in part():
                sys.stderr.write(f"queue: {figure[1]}: {figure[2]:,.1f}\n")
                figures.append(figure)
    sys.stdout.write(json.dumps(figures))


if __name__ == "__main__":
    main()
