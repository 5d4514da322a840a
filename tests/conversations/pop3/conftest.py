"""The POP3 doors for the whole run, and a fresh account for each conversation."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import pytest
from pytest_django import Settings

from tests.support.servers import running
from tests.support.transcript import Conversation

if TYPE_CHECKING:
    from mailboxes.models import Account

# Django is not ready when this file is read, so what needs it is imported inside.
LOGIN = """
    {n}S: +OK …
    {n}C: USER {login}
    {n}S: +OK
    {n}C: PASS correct horse
    {n}S: +OK {count} messages.
"""


@pytest.fixture(scope="session")
def ports(shared_db: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    from tests.conversations.pop3.doors import open_doors

    with running(open_doors(tmp_path_factory.mktemp("tls"))) as opened:
        yield opened


@pytest.fixture
def account(shared_db: None) -> "Account":
    from tests.support.hosting import new_account

    return new_account()


@pytest.fixture
def put(account: "Account") -> Callable[[Sequence[bytes]], list[int]]:
    """Puts messages into the new account's INBOX; their UIDs."""
    from tests.conversations.pop3 import maildrops

    return lambda messages: maildrops.put(account, messages)


@pytest.fixture
def talk(
    ports: dict[str, int], account: "Account", settings: Settings
) -> Iterator[Callable[[str], dict[str, str]]]:
    """Plays a script as the new account, over loopback without TLS. Every session in it has signed in."""
    settings.ALLOW_PLAINTEXT_LOGIN = True
    with Conversation(ports["pop3"], words={"login": account.login}) as conversation:

        def play(script: str) -> dict[str, str]:
            for number in ("1", "2") if "1C:" in script else ("",):
                if number not in conversation.clients:
                    conversation.words.pop("count", None)
                    conversation.follow(LOGIN.replace("{n}", number))
            return conversation.follow(script)

        yield play
