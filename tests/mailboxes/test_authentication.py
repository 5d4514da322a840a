"""Signing in: the right password, the wrong one, and one wrong too often."""

import pytest
from pytest_django import Settings

from domains import registration
from mailboxes import accounts
from mailboxes.authentication import LoginCache, authenticate
from mailboxes.exceptions import AuthenticationFailed, TooManyFailures
from mailboxes.models import Account
from tests.support.hosting import PASSWORD, new_account

pytestmark = pytest.mark.django_db

peers = iter(f"192.0.2.{number}" for number in range(1, 255))


@pytest.fixture
def account() -> Account:
    return new_account()


@pytest.fixture
def peer() -> str:
    """An address that no other test comes from: failures are counted by address."""
    return next(peers)


def sign_in(login: str, password: str, peer: str) -> int:
    return authenticate(login=login, password=password, peer=peer, protocol="imap").account_id


def test_the_right_password_in_any_case_of_the_login(account: Account, peer: str) -> None:
    assert sign_in(account.login.upper(), PASSWORD, peer) == account.pk
    principal = authenticate(login=account.login, password=PASSWORD, peer=peer, protocol="imap")
    assert str(principal.address) == account.login


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD + " ", PASSWORD.upper(), "x" * 100_000, "\ud800"])
def test_any_other_password_is_refused(account: Account, peer: str, password: str) -> None:
    sign_in(account.login, PASSWORD, peer)  # also while the right one is remembered
    with pytest.raises(AuthenticationFailed):
        sign_in(account.login, password, peer)


@pytest.mark.parametrize("login", ["", "nobody@nowhere.example", "a\0b", "x" * 100_000, "\ud800"])
def test_a_login_that_nobody_has_is_refused_likewise(peer: str, login: str) -> None:
    with pytest.raises(AuthenticationFailed):
        sign_in(login, PASSWORD, peer)


def test_who_may_not_sign_in_is_refused_at_once(account: Account, peer: str) -> None:
    sign_in(account.login, PASSWORD, peer)
    accounts.change_account(account_id=account.pk, is_enabled=False, by="test")
    with pytest.raises(AuthenticationFailed):
        sign_in(account.login, PASSWORD, peer)
    accounts.change_account(account_id=account.pk, is_enabled=True, by="test")
    registration.change_domain(name=account.login.partition("@")[2], is_enabled=False, by="test")
    with pytest.raises(AuthenticationFailed):
        sign_in(account.login, PASSWORD, peer)


def test_a_changed_password_is_forgotten_at_once(account: Account, peer: str) -> None:
    sign_in(account.login, PASSWORD, peer)
    accounts.set_password(account_id=account.pk, password="another one", by="test")
    with pytest.raises(AuthenticationFailed):
        sign_in(account.login, PASSWORD, peer)
    assert sign_in(account.login, "another one", peer) == account.pk


def test_wrong_passwords_are_slowed_and_then_refused_unseen(
    account: Account, peer: str, settings: Settings
) -> None:
    settings.LOGIN_MAX_FAILURES_PER_ACCOUNT = 8
    waits = []
    for _ in range(8):
        with pytest.raises(AuthenticationFailed) as caught:
            sign_in(account.login, "wrong", peer)
        waits.append(caught.value.wait_seconds)
    assert waits == [0, 0, 0, 1, 2, 4, 8, 8]
    with pytest.raises(TooManyFailures):
        sign_in(account.login, PASSWORD, peer)
    assert sign_in(account.login, PASSWORD, next(peers)) == account.pk  # its owner, from elsewhere


def test_guessing_over_many_accounts_is_refused_by_address(peer: str, settings: Settings) -> None:
    settings.LOGIN_MAX_FAILURES_PER_ADDRESS = 5
    for number in range(5):
        with pytest.raises(AuthenticationFailed):
            sign_in(f"{number}@nowhere.example", "wrong", peer)
    with pytest.raises(TooManyFailures):
        sign_in("6@nowhere.example", "wrong", peer)


def test_the_cache_forgets_by_the_clock_and_knows_one_password_only() -> None:
    cache = LoginCache(seconds=300)
    cache.remember(1, "right", "hash", now=1000.0)
    assert cache.knows(1, "right", "hash", now=1299.0)
    assert not cache.knows(1, "right", "hash", now=1300.0)
    assert not cache.knows(1, "wrong", "hash", now=1001.0)
    assert not cache.knows(1, "right", "other hash", now=1001.0)
    assert not cache.knows(2, "right", "hash", now=1001.0)
