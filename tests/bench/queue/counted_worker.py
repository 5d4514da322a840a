"""The worker's Celery application, which says at its end how many tasks it was given: `celery -A` this module."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

from celery import signals

from mailhost.celery import app

__all__ = ["app"]

counts: Counter[str] = Counter()


@signals.task_prerun.connect
def _count(task: Any = None, **_: object) -> None:
    counts[task.name] += 1
    Path(os.environ["BENCH_TASKS"]).write_text(f"{counts['delivery.relay_due']}")
