"""`python -m tests.bench.reading`: the time that the classifier and the rules take for a message, without any server.

The mail is that of the smtp item. The site's counts are those of some hundred such messages among a million other
tokens, as a busy host has them. Each figure is the mean of what every message took at best.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

SIZES = (4_096, 100_000)
MESSAGES = 24
ROUNDS = 60
LEARNED = 300
OTHER_TOKENS = 1_000_000


def main() -> int:
    """Prints a table in Markdown, in milliseconds."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailhost.settings")
    import django

    django.setup()
    from delivery.filters.examination import _look
    from delivery.filters.incoming import Incoming
    from mailboxes.junk.judging import classify_by_site
    from mailboxes.junk.tokens import tokens_of
    from tests.bench.smtp.mail import Mail

    mail = Mail(seed=5)
    site = _site([(mail.message(n, SIZES[0], is_junk=n % 2 == 0)[1], n % 2 == 0) for n in range(LEARNED)])
    now = datetime.now(UTC)

    def coming(octets: bytes) -> Incoming:
        return Incoming(
            ip_address("127.1.0.1"), "mx.test", "ann@far.test", frozenset(("bench.test",)), octets
        )

    def rules(message: Incoming) -> None:
        again = coming(message.octets)
        vars(again)["root"] = message.root
        _look(again, now)

    rows = ["| octets | tokens | classifier, tokens included | rules |", "|---:|---:|---:|---:|"]
    for size in SIZES:
        messages = [coming(mail.message(n, size, is_junk=n % 3 == 0)[1]) for n in range(MESSAGES)]
        steps: tuple[Callable[[Incoming], Any], ...] = (
            lambda message: tokens_of(message.octets, message.root),
            lambda message: classify_by_site(message.octets, site, message.root),
            rules,
        )
        rows.append(f"| {size:,} | " + " | ".join(f"{_best(step, messages):.2f}" for step in steps) + " |")
    sys.stdout.write("\n".join(rows) + "\n")
    return 0


def _site(lessons: Sequence[tuple[bytes, bool]]) -> Any:
    """Counts as if these had been learned by a host that has learned much else."""
    from mailboxes.junk.classifier import Totals
    from mailboxes.junk.site_counts import Counts, SiteCounts
    from mailboxes.junk.tokens import hashes_of, tokens_of

    learned = {
        verdict: np.concatenate(
            [hashes_of(tokens_of(octets)) for octets, is_junk in lessons if is_junk is verdict]
        )
        for verdict in (True, False)
    }
    others = np.random.default_rng(1).integers(-(2**63), 2**63 - 1, OTHER_TOKENS)
    tokens = np.unique(np.concatenate([*learned.values(), others]))
    counts = {
        verdict: np.bincount(tokens.searchsorted(hashes), minlength=len(tokens)).astype(np.int32)
        for verdict, hashes in learned.items()
    }
    site = SiteCounts()
    site.totals = Totals(*(sum(is_junk is verdict for _, is_junk in lessons) for verdict in (True, False)))
    site._base = Counts(tokens, counts[True], counts[False])
    return site


def _best(step: Callable[[T], Any], items: Sequence[T]) -> float:
    """Milliseconds."""
    best = [float("inf")] * len(items)
    for _ in range(ROUNDS):
        for place, item in enumerate(items):
            began = time.perf_counter()
            step(item)
            best[place] = min(best[place], time.perf_counter() - began)
    return 1_000 * sum(best) / len(best)


if __name__ == "__main__":
    sys.exit(main())
