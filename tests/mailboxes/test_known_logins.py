"""Signing in from the event loop: what is answered there, and that everything else is asked as ever."""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from pytest_django import Settings

from domains import registration
from mailboxes import accounts, authentication
from mailboxes.authentication import Principal, authenticate
from mailboxes.exceptions import AuthenticationFailed, TooManyFailures
from mailboxes.known_logins import KnownLogins
from mailboxes.models import Account
from mailhost.net.async_breaker import AsyncBreaker
from mailhost.net.counted_together import LoopCounters
from mailhost.net.redis_clients import RedisAway
from mailhost.net.statements import Statements
from mailhost.net.store_threads import StoreUnavailable, close_store_threads
from tests.support.hosting import PASSWORD, new_account
from tests.support.running import run

T = TypeVar("T")
TRUSTED, STRANGER = "127.0.0.1", "192.0.2.200"

pytestmark = pytest.mark.usefixtures("shared_db")


class Asked(list[str]):
    """The logins that went on to authentication.sign_in."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Asked:
    settings.TRUSTED_NETWORKS = (ipaddress.ip_network("127.0.0.0/8"),)
    found = Asked()

    async def noted(**given: str) -> Principal:
        found.append(given["login"])
        return await authentication.sign_in(**given)

    monkeypatch.setattr("mailboxes.known_logins.sign_in", noted)
    return found


@pytest.fixture
def account() -> Account:
    """Its password was right lately."""
    account = new_account()
    authenticate(login=account.login, password=PASSWORD, peer=TRUSTED, protocol="imap")
    return account


@pytest.fixture
def mistaken(account: Account, asked: Asked, settings: Settings) -> None:
    """A stranger was wrong once, which is enough."""
    settings.LOGIN_MAX_FAILURES_PER_ACCOUNT = 1
    with pytest.raises(AuthenticationFailed):
        sign_in(account.login, "wrong", peer=STRANGER)


def sign_in(
    login: str, password: str = PASSWORD, *, peer: str = TRUSTED, protocol: str = "imap"
) -> Principal:
    return with_logins(
        lambda logins: logins.sign_in(login=login, password=password, peer=peer, protocol=protocol)
    )


def with_logins(ask: Callable[[KnownLogins], Awaitable[T]]) -> T:
    answers = []

    async def scenario() -> None:
        counters = LoopCounters()
        logins = KnownLogins(counters)
        try:
            answers.append(await ask(logins))
        finally:
            await logins.close()
            await counters.close()
            close_store_threads()

    run(scenario())
    return answers[0]


def test_a_password_that_was_right_lately_needs_no_thread(account: Account, asked: Asked) -> None:
    principal = sign_in(account.login.upper())
    assert not asked
    assert principal == authenticate(login=account.login, password=PASSWORD, peer=TRUSTED, protocol="imap")


def test_what_differs_by_account_is_known_either_way(account: Account, asked: Asked) -> None:
    accounts.change_account(
        account_id=account.pk,
        imap_switched_off=["IDLE", "SORT=DISPLAY"],
        closed_protocols=["pop3", "smtp"],
        pop3_keeps_copy=True,
        by="test",
    )
    principal = sign_in(account.login)
    assert not asked
    assert principal.imap_switched_off == {"IDLE", "SORT=DISPLAY"}
    assert principal.pop3_keeps_copy
    with pytest.raises(AuthenticationFailed):
        sign_in(account.login, protocol="smtp")


@pytest.mark.parametrize("password", ["", "wrong", "x" * 100_000, "\ud800", "a\0b"])
def test_any_other_password_is_looked_at_as_ever(account: Account, asked: Asked, password: str) -> None:
    with pytest.raises(AuthenticationFailed):
        sign_in(account.login, password)
    assert asked == [account.login]


@pytest.mark.parametrize("login", ["", "nobody@nowhere.example", "a\0b", "x" * 100_000, "\ud800"])
def test_a_login_that_nobody_has_is_looked_at_as_ever(asked: Asked, login: str) -> None:
    with pytest.raises(AuthenticationFailed):
        sign_in(login)
    assert asked == [login]


def test_who_may_not_sign_in_any_more_is_refused_at_once(account: Account, asked: Asked) -> None:
    def refused() -> bool:
        try:
            sign_in(account.login)
        except AuthenticationFailed:
            return True
        return False

    assert not refused()
    accounts.change_account(account_id=account.pk, is_enabled=False, by="test")
    assert refused()
    accounts.change_account(account_id=account.pk, is_enabled=True, by="test")
    registration.change_domain(name=account.login.partition("@")[2], is_enabled=False, by="test")
    assert refused()
    registration.change_domain(name=account.login.partition("@")[2], is_enabled=True, by="test")
    assert not refused()
    accounts.set_password(account_id=account.pk, password="another one", by="test")
    assert refused()


@pytest.mark.usefixtures("mistaken")
def test_strangers_are_under_the_brakes(account: Account, asked: Asked) -> None:
    with pytest.raises(TooManyFailures):
        sign_in(account.login, peer=STRANGER)
    assert sign_in(account.login).account_id == account.pk
    assert asked == [account.login] * 2


def test_strangers_who_mistake_nothing_need_no_thread_either(account: Account, asked: Asked) -> None:
    assert sign_in(account.login, peer=STRANGER).account_id == account.pk
    assert not asked


def test_a_network_that_guesses_is_not_let_in_with_what_is_known(
    account: Account, asked: Asked, settings: Settings
) -> None:
    settings.LOGIN_MAX_FAILURES_PER_ADDRESS = 2
    peer = "192.0.2.201"
    for name in ("nobody@nowhere.example", "somebody@nowhere.example"):
        with pytest.raises(AuthenticationFailed):
            sign_in(name, peer=peer)
    with pytest.raises(TooManyFailures):
        sign_in(account.login, peer=peer)
    assert asked[-1] == account.login


@pytest.mark.usefixtures("mistaken")
def test_behind_the_brakes_a_right_password_is_not_looked_at(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked_at(**_: object) -> bool:
        raise AssertionError("who guesses could tell by the time it takes")

    monkeypatch.setattr("mailboxes.known_logins.was_right_lately", looked_at)
    for password in ("wrong", PASSWORD):
        with pytest.raises(TooManyFailures):
            sign_in(account.login, password, peer=STRANGER)


@pytest.mark.usefixtures("mistaken")
def test_where_redis_does_not_answer_the_loop_the_brakes_hold_as_well(
    account: Account, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise RedisAway

    monkeypatch.setattr(AsyncBreaker, "ask", away)
    with pytest.raises(TooManyFailures):
        sign_in(account.login, peer=STRANGER)
    assert sign_in(account.login).account_id == account.pk
    assert sign_in(account.login, peer="192.0.2.202").account_id == account.pk
    assert asked == [account.login] * 3  # but for the trusted one


def test_many_at_once_are_told_apart(asked: Asked) -> None:
    known = [new_account() for _ in range(4)]
    for account in known:
        authenticate(login=account.login, password=PASSWORD, peer=TRUSTED, protocol="imap")
    names = [account.login for account in known] * 3

    async def all_at_once(logins: KnownLogins) -> list[Principal]:
        return await asyncio.gather(
            *(logins.sign_in(login=name, password=PASSWORD, peer=TRUSTED, protocol="imap") for name in names)
        )

    assert [principal.login for principal in with_logins(all_at_once)] == names
    assert not asked


def test_where_the_loop_has_no_connection_a_thread_is_asked(
    account: Account, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable("the database is away")

    monkeypatch.setattr(Statements, "fetch", away)
    assert sign_in(account.login).account_id == account.pk
    assert asked == [account.login]
