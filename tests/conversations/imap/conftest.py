"""The IMAP doors for the whole run, and a fresh account for each conversation."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.servers import running
from tests.support.transcript import Conversation

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

# Django is not ready when this file is read, so what needs it is imported inside.
LOGIN = """
    {n}S: * OK …
    {n}C: a LOGIN {login} "correct horse"
    {n}S: a OK …
"""


@pytest.fixture(scope="session")
def doors(shared_db: None, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Doors]":
    from tests.conversations.imap.doors import open_doors

    with running(open_doors(tmp_path_factory.mktemp("tls"))) as opened:
        yield opened


@pytest.fixture
def login(shared_db: None) -> str:
    """A new account; its login."""
    from tests.support.hosting import new_account

    return new_account().login


@pytest.fixture
def talk(doors: "Doors", login: str) -> Iterator[Callable[[str], dict[str, str]]]:
    """Plays a script as the new account. Every session in it has been greeted and logged in."""
    with Conversation(doors.plain, words={"login": login}) as conversation:
        greeted: set[str] = set()

        def play(script: str) -> dict[str, str]:
            for number in ("1", "2", "3"):
                if number not in greeted and any(f"{number}{kind}" in script for kind in ("C:", "S:", "C|")):
                    conversation.follow(LOGIN.replace("{n}", number))
                    greeted.add(number)
            if "" not in greeted and any(line.strip()[:2] in {"C:", "C|"} for line in script.splitlines()):
                conversation.follow(LOGIN.replace("{n}", ""))
                greeted.add("")
            return conversation.follow(script)

        yield play


@pytest.fixture
def meet(doors: "Doors", shared_db: None) -> Iterator[Callable[[str], dict[str, str]]]:
    """Plays a script of three people of one domain: session 1 is {alice}, 2 is {bob}, 3 is {carol}.

    Each has been greeted and logged in.
    """
    from mailboxes.models import Grant
    from tests.support.hosting import new_account, new_domain

    domain = new_domain()
    people = {name: new_account(name, domain=domain).login for name in ("alice", "bob", "carol")}
    with Conversation(doors.plain, words=dict(people)) as conversation:
        greeted: set[str] = set()

        def play(script: str) -> dict[str, str]:
            for number, name in zip("123", people, strict=True):
                if number not in greeted and any(f"{number}{kind}" in script for kind in ("C:", "C|")):
                    conversation.follow(LOGIN.replace("{n}", number).replace("{login}", people[name]))
                    greeted.add(number)
            return conversation.follow(script)

        yield play
    # What everybody was given would be in the lists of all tests that follow.
    Grant.objects.filter(account=None, mailbox__account__login__in=people.values()).delete()


@pytest.fixture
def put(login: str) -> "Callable[..., int]":
    """Puts a message into a mailbox of the new account, as delivery does; its UID."""
    from tests.conversations.imap.messages import put_message

    def put_one(octets: bytes | str = "Hello", **where: object) -> int:
        return put_message(login, octets, **where)  # type: ignore[arg-type]

    return put_one
