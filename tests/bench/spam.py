"""`./run bench spam --corpus DIR`: how well junk is told from wanted mail, ours and bogofilter side by side.

DIR has `ham/` and `spam/` with .eml files. One half of them trains, the other is judged: which half a message is in is
the lowest bit of the first octet of its SHA-256, so that it is always the same and two equal messages are in one.
Ours goes through the store and Postgres as in production: messages in mailboxes, lessons, the worker's function that
learns, the statement that judges. No listener is started.
"""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import bogofilter
from tests.bench.spam_figures import Scores, markdown

AT_ONCE = 100  # messages of one APPEND
BOGOFILTER_IS_MISSING = "bogofilter is not installed: apt-get install bogofilter puts it beside ours."

Halves = tuple[list[Path], list[Path]]


class NoCorpus(Exception):
    """The text says what is missing."""


def run(corpus: Path, *, say: Callable[[str], None]) -> str:
    """The table in Markdown. Raises NoCorpus."""
    junk, unseen_junk = halves(corpus / "spam")
    wanted, unseen_wanted = halves(corpus / "ham")
    say(f"Learning {len(junk)} junk and {len(wanted)} wanted messages")
    filters = [_ours(junk, wanted, unseen_junk, unseen_wanted, say=say)]
    if bogofilter.is_installed():
        say("The same with bogofilter")
        filters.append(
            bogofilter.measure(junk=junk, wanted=wanted, unseen_junk=unseen_junk, unseen_wanted=unseen_wanted)
        )
    else:
        say(BOGOFILTER_IS_MISSING)
    heading = (
        f"### Junk told from wanted mail: {corpus.resolve().name}\n\n"
        f"{len(junk)} junk and {len(wanted)} wanted messages learned, "
        f"{len(unseen_junk)} and {len(unseen_wanted)} judged.\n\n"
    )
    return heading + markdown(filters)


def halves(folder: Path) -> Halves:
    """The messages that train, and those that are judged. Raises NoCorpus where there are none of one."""
    found: Halves = ([], [])
    for path in sorted(folder.rglob("*.eml")):
        found[hashlib.sha256(path.read_bytes()).digest()[0] & 1].append(path.resolve())
    if not all(found):
        raise NoCorpus(
            f"{folder} has too few .eml files: DIR needs ham/ and spam/ with some dozens at least."
        )
    return found


def _ours(
    junk: Sequence[Path],
    wanted: Sequence[Path],
    unseen_junk: Sequence[Path],
    unseen_wanted: Sequence[Path],
    *,
    say: Callable[[str], None],
) -> Scores:
    with _database():
        # Settings are read when these are imported: not before there is a database to name.
        from mailboxes.junk.classifier import JUNK_FROM
        from mailboxes.junk.judging import classify
        from mailboxes.junk.learning import learn_waiting

        account_id = _new_account()
        scores = Scores("Mailhost", JUNK_FROM)
        seconds = 0.0
        for paths, name in ((junk, "Junk"), (wanted, "INBOX")):
            for start in range(0, len(paths), AT_ONCE):
                _say_it_is(account_id, [path.read_bytes() for path in paths[start : start + AT_ONCE]], name)
                began = time.perf_counter()
                while learn_waiting(now=datetime.now(UTC)):
                    pass
                seconds += time.perf_counter() - began
        scores.training_seconds = seconds / (len(junk) + len(wanted))
        say(f"Judging {len(unseen_junk)} and {len(unseen_wanted)}")
        seconds = 0.0
        for paths, found in ((unseen_junk, scores.junk), (unseen_wanted, scores.wanted)):
            for path in paths:
                octets = path.read_bytes()
                began = time.perf_counter()
                found.append(classify([account_id], octets)[account_id].score)
                seconds += time.perf_counter() - began
        scores.judging_seconds = seconds / (len(unseen_junk) + len(unseen_wanted))
        return scores


@contextmanager
def _database() -> Iterator[None]:
    """A Postgres of its own with Django set up on it; Redis is not needed."""
    from mailhost.embedded import places
    from mailhost.embedded.postgres import Postgres

    var = Path(tempfile.mkdtemp(prefix="mailhost-spam-"))
    for name in [name for name in os.environ if name.startswith("MAILHOST_")]:
        del os.environ[name]
    os.environ.update(
        DJANGO_SETTINGS_MODULE="mailhost.settings",
        MAILHOST_VAR=str(var),
        DATABASE_URL=places.database_url(var),
        REDIS_URL=places.redis_url(var),  # nobody is there
    )
    folder = places.socket_folder(var)
    server = Postgres(data=var / "postgres", sockets=folder, log=var / "log" / "postgres.log")
    try:
        server.start()
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        yield
    finally:
        server.stop()
        shutil.rmtree(var, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def _new_account() -> int:
    from tests.support.hosting import new_account

    return new_account().pk


def _say_it_is(account_id: int, messages: Sequence[bytes], name: str) -> None:
    """Puts them into that mailbox: into Junk that is a lesson by itself, elsewhere the button is pressed."""
    from mailboxes.junk.learning import learn
    from mailboxes.models import Message
    from mailboxes.store.append import append, prepare
    from mailboxes.store.hierarchy import find_mailbox
    from mailboxes.store.values import NewMessage

    now = datetime.now(UTC)
    mailbox_id = find_mailbox(account_id=account_id, name=name).mailbox_id
    contents = [NewMessage(prepare(octets)) for octets in messages]
    uids = append(account_id=account_id, mailbox_id=mailbox_id, contents=contents, now=now).uids
    if name != "Junk":
        rows = Message.objects.filter(mailbox_id=mailbox_id, uid__in=uids)
        for content_id in rows.values_list("content_id", flat=True):
            learn(account_id=account_id, content_id=content_id, is_junk=False, now=now)
