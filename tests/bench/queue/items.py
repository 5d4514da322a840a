"""`./run bench queue`: the queue page, previews and verbs with as many recipients; and what a Celery task costs."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Final

from tests.bench.table import Table
from tests.support.host import ROOT

RECIPIENTS: Final = 1_000_000

Say = Callable[[str], None]


def run(*, say: Say, recipients: int = RECIPIENTS) -> list[Table]:
    """Milliseconds for pages, previews and verbs; microseconds for what indexes and tasks cost."""
    tables = {
        "page": Table(f"The queue page, {recipients:,} recipients waiting", "ms", is_rate=False),
        "preview": Table("The preview of a verb", "ms", is_rate=False),
        "verb": Table("Verbs as orders carry them out, and the count", "ms", is_rate=False),
        "index": Table("What the page's two indexes cost", "µs", is_rate=False),
        "task": Table("A Celery task of the queue", "µs", is_rate=False),
    }
    for module, argument in (("measure", str(recipients)), ("tasks", "")):
        words = [sys.executable, "-m", f"tests.bench.queue.{module}", *([argument] if argument else [])]
        told = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout
        for table, what, figure in json.loads(told):
            tables[table].rows.append((what, figure, None))
    say("queue: done")
    return list(tables.values())
