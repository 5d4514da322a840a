"""`./run bench`: measures this mail host, and with --peer Postfix + Dovecot beside it, in one run.

Prints Markdown tables (docs/benchmarks.md keeps one such run). Everything listens on 127.0.0.1; every load is
bounded in messages and time. Run it on an idle machine and compare only what one run has measured side by side.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import delivery, push, spam, start
from tests.bench.imap import items as imap
from tests.bench.instance import instance
from tests.bench.peers import Peers
from tests.bench.queue import items as queue
from tests.bench.relay import items as relay
from tests.bench.smtp import items as smtp
from tests.bench.table import Table

ITEMS = {"delivery": delivery.run, "push": push.run, "imap": imap.run}


def main() -> int:
    """Exit status 0 once everything asked for is measured."""
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument(
        "items",
        nargs="*",
        metavar="item",
        help="delivery, push, imap, smtp, relay, queue, start: all of them by default; spam, which needs --corpus",
    )
    parser.add_argument(
        "--peer",
        type=Path,
        metavar="PATH",
        help="folder with peers-up, peers-down and smtpload.c (needs root)",
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="rounds of each load, ours and the peer's in turn"
    )
    parser.add_argument(
        "--messages", type=int, default=3000, help="messages of a round of 4 KB (100 KB: a third)"
    )
    parser.add_argument("--recipients", type=int, default=queue.RECIPIENTS, help="how many wait, for queue")
    parser.add_argument(
        "--corpus", type=Path, metavar="DIR", help="folder with ham/ and spam/ of .eml files, for spam"
    )
    chosen = parser.parse_args()
    unknown = set(chosen.items) - {*ITEMS, "smtp", "relay", "queue", "start", "spam"}
    if unknown:
        parser.error(f"there is no item {', '.join(sorted(unknown))}")
    items = chosen.items or [*ITEMS, "smtp", "relay", "queue", "start"]
    if "spam" in items and chosen.corpus is None:
        parser.error("spam needs --corpus DIR")
    say(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    tables: list[Table] = []
    with running(Peers(chosen.peer) if chosen.peer else None) as peers:
        if set(items) & set(ITEMS):
            say("Starting Mailhost")
            with instance() as ours:
                for item in items:
                    if item in ITEMS:
                        tables += ITEMS[item](
                            ours, peers, rounds=chosen.rounds, messages=chosen.messages, say=say
                        )
        if "smtp" in items:
            tables += smtp.run(peers, rounds=chosen.rounds, messages=chosen.messages, say=say)
        if "relay" in items:
            tables += relay.run(peers, rounds=chosen.rounds, messages=chosen.messages, say=say)
    if "queue" in items:
        tables += queue.run(say=say, recipients=chosen.recipients)
    if "start" in items:
        tables.append(start.run(say=say))
    for table in tables:
        sys.stdout.write(f"\n{table.markdown()}\n")
    if "spam" in items:
        try:
            sys.stdout.write(f"\n{spam.run(chosen.corpus, say=say)}\n")
        except spam.NoCorpus as error:
            parser.error(str(error))
    return 0


@contextmanager
def running(peers: Peers | None) -> Iterator[Peers | None]:
    """The peers, where there are any, until the block ends."""
    if peers is not None:
        say("Starting Postfix + Dovecot")
        peers.up()
    try:
        yield peers
    finally:
        if peers is not None:
            peers.down()


def say(text: str) -> None:
    """Progress, apart from the tables."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
