"""`python -m tests.bench.spam_corpus DIR [COUNT]`: made-up junk and wanted mail, for trying `./run bench spam`.

It shows that the bench works, and is good for no figure: whoever makes up both kinds decides how well they are told
apart. Sentences follow the words of Python's own manual, by chains of two; a tenth of each kind looks like the other.
"""

import random
import re
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path
from pydoc_data.topics import topics

COUNT = 500  # of each kind
LIKE_THE_OTHER = 0.1
FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)

PEOPLE = [
    f"{name}@{host}"
    for name in ("anna", "bert", "chen", "dora", "emil")
    for host in ("work.example", "club.example")
]
OFFERS = [
    "limited offer",
    "act now",
    "100% free",
    "no prescription needed",
    "lowest price guaranteed",
    "you have been selected",
    "claim your prize",
    "work from home",
    "earn $5,000 a week",
    "your account was suspended",
    "verify your password",
    "hot stock pick",
    "replica watches",
    "lose weight fast",
    "cheap pills",
    "miracle cure",
    "risk free",
    "casino bonus",
    "wire transfer of $18,500,000",
]


class Prose:
    """Sentences that read like English, of words that follow each other in the manual."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.next: dict[str, list[str]] = defaultdict(list)
        words = re.findall(r"[A-Za-z]+[.,]?", " ".join(topics.values()))
        for one, other in pairwise(words):
            self.next[one].append(other)
        self.words = sorted(self.next)

    def sentences(self, count: int) -> str:
        """So many, each of a few words to two dozen."""
        return " ".join(self._sentence() for _ in range(count))

    def _sentence(self) -> str:
        word = self.chance.choice(self.words)
        said = [word.capitalize()]
        for _ in range(self.chance.randint(4, 24)):
            word = self.chance.choice(self.next[word] or self.words)
            said.append(word)
        return " ".join(said).rstrip(".,") + "."


def make(folder: Path, *, count: int = COUNT, seed: int = 1) -> None:
    """Writes so many of each kind; the same ones for the same seed."""
    chance = random.Random(seed)
    prose = Prose(chance)
    for kind, write in (("ham", wanted), ("spam", junk)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            message = write(chance, prose)
            message["Date"] = format_datetime(FIRST_DAY + timedelta(minutes=chance.randrange(500_000)))
            (folder / kind / f"{number:05}.eml").write_bytes(message.as_bytes())


def wanted(chance: random.Random, prose: Prose) -> EmailMessage:
    """From somebody who is known, about something; sometimes a newsletter."""
    message = EmailMessage()
    writer = chance.choice(PEOPLE)
    is_newsletter = chance.random() < LIKE_THE_OTHER
    name, _, host = writer.partition("@")
    message["Received"] = f"from mail.{host} (192.0.2.{chance.randrange(20)}) by mx.example.org"
    message["From"] = f'"{name.title()}" <{writer}>'
    message["To"] = "me@example.org"
    message["Subject"] = ("Re: " if chance.random() < 0.5 else "") + prose.sentences(1)[:50]
    message["Message-ID"] = f"<{chance.getrandbits(48):x}@{host}>"
    text = prose.sentences(chance.randint(1, 12))
    if is_newsletter:
        message["List-Unsubscribe"] = "<https://news.example/leave>"
        offer = chance.choice(OFFERS)
        link = f"<a href='https://news.example/{chance.randrange(100)}'>more</a>"
        message.set_content(f"<p>{text}</p><b>{offer}</b> {link}", "html")
    else:
        message.set_content(f"{text}\n\n{name}\n")
    return message


def junk(chance: random.Random, prose: Prose) -> EmailMessage:
    """From an address that nobody knows; sometimes with one line that could be anybody's."""
    message = EmailMessage()
    host = f"{chance.choice(prose.words).strip('.,').lower()}{chance.randrange(100)}.example"
    way = f"dsl-{chance.randrange(255)}.isp.example (198.51.100.{chance.randrange(255)})"
    message["Received"] = f"from {way} by mx.example.org"
    message["From"] = f"{chance.choice(prose.words).strip('.,')} <{chance.getrandbits(30):x}@{host}>"
    message["To"] = "me@example.org" if chance.random() < 0.7 else "undisclosed-recipients:;"
    offers = chance.sample(OFFERS, chance.randint(1, 4))
    message["Subject"] = offers[0].title() if chance.random() < 0.7 else prose.sentences(1)[:40]
    if chance.random() < LIKE_THE_OTHER:
        message.set_content(f"{prose.sentences(3)}\n\nhttp://{host}/{chance.getrandbits(20):x}\n")
        return message
    body = "".join(f"<p>{offer}! {prose.sentences(chance.randint(0, 3))}</p>" for offer in offers)
    link = f"<a href='http://{host}/buy?id={chance.getrandbits(20)}'>click here</a>"
    message.set_content(f"<html>{body}{link}</html>", "html")
    return message


if __name__ == "__main__":
    make(Path(sys.argv[1]), count=int(sys.argv[2]) if len(sys.argv) > 2 else COUNT)
