"""What one session does with large mailboxes: SELECT, FETCH, STORE, COPY, MOVE, SEARCH. Milliseconds."""

import statistics
from collections.abc import Callable, Iterator

from tests.bench.clients import LOGIN
from tests.bench.imap.client import WORDS, Client, message, milliseconds

READER = LOGIN % 1
SMALL, MIDDLE, LARGE = ("b1k", 1_000), ("b10k", 10_000), ("b100k", 100_000)
FIRST_SYNC = "FETCH 1:* (UID FLAGS ENVELOPE RFC822.SIZE INTERNALDATE BODYSTRUCTURE)"
HEADER_FIELDS = "FETCH 1:* (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE)])"
SEARCHES = {
    "SEARCH TEXT": "TEXT haystack042",
    "SEARCH BODY": "BODY haystack043",
    "SEARCH SUBJECT": "SUBJECT needle42",
    "SEARCH FROM": f"FROM {WORDS[7]}",
    "SEARCH UNSEEN": "UNSEEN",
}

Figures = dict[str, float]


def measure(
    port: int, *, rounds: int, scale: float, say: Callable[[str], None], settle: Callable[[], None]
) -> Figures:
    """Fills what is missing, then times everything; each figure a median but for the first sync.

    `settle` waits until what a server does by itself with new messages is over, such as indexing them. The large
    mailbox goes before that, or it would take minutes.
    """
    sizes = {name: max(10, int(size * scale)) for name, size in (SMALL, MIDDLE, LARGE)}
    figures: Figures = {}

    def keep(found: Iterator[tuple[str, float]]) -> None:
        for name, value in found:
            say(f"imap {name}: {value:.2f} ms")
            figures[name] = value

    fill(port, {LARGE[0]: sizes[LARGE[0]]}, say)
    keep(large(port, rounds))
    client = Client(port, READER)
    client.run(f"DELETE {LARGE[0]}")
    client.close()
    fill(port, {name: size for name, size in sizes.items() if name != LARGE[0]}, say)
    settle()
    keep(reading(port, sizes, rounds))
    keep(writing(port, rounds))
    settle()
    keep(searching(port, rounds))
    return figures


def fill(port: int, sizes: dict[str, int], say: Callable[[str], None]) -> None:
    client = Client(port, READER)
    for name, size in sizes.items():
        have = client.message_count(name)
        if not have:
            client.run(f"CREATE {name}")
        for first in range(have, size, 1_000):
            client.append(name, [message(number) for number in range(first, min(first + 1_000, size))])
        say(f"imap {name}: {size} messages")
    client.close()


def reading(port: int, sizes: dict[str, int], rounds: int) -> Iterator[tuple[str, float]]:
    def selected(mailbox: str) -> Client:
        client = Client(port, READER)
        client.run(f"SELECT {mailbox}")
        return client

    def command(client: Client, text: str) -> float:
        return median(rounds, lambda: client.run(text))

    middle = selected(MIDDLE[0])
    yield "first sync FETCH of 10,000, fresh mailbox", milliseconds(lambda: middle.run(FIRST_SYNC))
    yield "first sync FETCH of 10,000, again", command(middle, FIRST_SYNC)
    yield "FETCH HEADER.FIELDS of 10,000", command(middle, HEADER_FIELDS)
    yield "FETCH FLAGS of 10,000", command(middle, "UID FETCH 1:* (FLAGS)")
    middle.close()
    small = selected(SMALL[0])
    yield "FETCH of 1,000 bodies, one command", command(small, "FETCH 1:* (UID BODY.PEEK[])")

    def one_by_one() -> None:
        for number in range(1, sizes[SMALL[0]] + 1):
            small.run(f"FETCH {number} (BODY.PEEK[])")

    yield "FETCH of 1,000 bodies, one by one", median(rounds, one_by_one)
    small.close()


def large(port: int, rounds: int) -> Iterator[tuple[str, float]]:
    sessions = [Client(port, READER) for _ in range(5 * rounds)]
    selects = [milliseconds(lambda to=session: to.run(f"SELECT {LARGE[0]}")) for session in sessions]  # type: ignore[misc]
    yield "SELECT of 100,000", statistics.median(selects)
    yield "FETCH FLAGS of 100,000", median(rounds, lambda: sessions[0].run("UID FETCH 1:* (FLAGS)"))
    for session in sessions:
        session.close()


def writing(port: int, rounds: int) -> Iterator[tuple[str, float]]:
    client = Client(port, READER)
    client.run(f"SELECT {MIDDLE[0]}")
    signs = iter("+-" * (rounds + 1))
    yield (
        "STORE of 10,000",
        median(2 * rounds, lambda: client.run(f"STORE 1:* {next(signs)}FLAGS (\\Flagged)")),
    )
    copies, moves, expunges = [], [], []
    for number in range(rounds):
        first, second = f"copy{number}", f"move{number}"
        for name in (first, second):
            client.run(f"CREATE {name}")
        client.run(f"SELECT {MIDDLE[0]}")
        copies.append(milliseconds(lambda to=first: client.run(f"COPY 1:* {to}")))  # type: ignore[misc]
        client.run(f"SELECT {first}")
        moves.append(milliseconds(lambda to=second: client.run(f"MOVE 1:* {to}")))  # type: ignore[misc]
        client.run(f"SELECT {second}")
        client.run("STORE 1:* +FLAGS.SILENT (\\Deleted)")
        expunges.append(milliseconds(lambda: client.run("EXPUNGE")))
        client.run("UNSELECT")
        for name in (first, second):
            client.run(f"DELETE {name}")
    client.close()
    yield "COPY of 10,000", statistics.median(copies)
    yield "MOVE of 10,000", statistics.median(moves)
    yield "EXPUNGE of 10,000", statistics.median(expunges)


def searching(port: int, rounds: int) -> Iterator[tuple[str, float]]:
    client = Client(port, READER)
    client.run(f"SELECT {MIDDLE[0]}")
    for name, key in SEARCHES.items():
        yield f"{name} on 10,000", median(rounds, lambda key=key: client.run(f"UID SEARCH {key}"))  # type: ignore[misc]
    client.close()


def median(rounds: int, work: Callable[[], object]) -> float:
    """Of so many rounds, after one that warms up."""
    work()
    return statistics.median(milliseconds(work) for _ in range(rounds))
