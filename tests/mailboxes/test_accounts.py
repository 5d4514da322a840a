"""Accounts: made whole or not at all, and removed with everything they had."""

import pytest

from domains.exceptions import AddressTaken, DomainNotFound
from domains.models import Address
from mailboxes import accounts
from mailboxes.exceptions import (
    AccountNotFound,
    LoginInvalid,
    LoginTaken,
    PasswordRefused,
    UndoSecondsInvalid,
)
from mailboxes.local_recipients import postmasters
from mailboxes.models import Account, Mailbox
from mailhost.audit.models import Act
from mailhost.protocols import scram
from mailhost.protocols.addresses import EmailAddress
from tests.support.hosting import PASSWORD, new_account, new_domain

pytestmark = pytest.mark.django_db


def test_each_password_is_stored_as_argon2_and_as_scram_keys() -> None:
    account = new_account()
    assert account.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    keys = scram.derive(PASSWORD, bytes(account.scram_salt), account.scram_iterations)
    assert (account.scram_stored_key, account.scram_server_key) == keys
    changed = accounts.set_password(account_id=account.pk, password="another one", by="test")
    assert bytes(changed.scram_salt) == bytes(
        account.scram_salt
    )  # SCRAM sends one salt for all its passwords
    assert bytes(changed.scram_stored_key) == scram.derive("another one", bytes(account.scram_salt), 4096)[0]
    assert PASSWORD not in str(list(Act.objects.values()))


@pytest.mark.parametrize("password", ["", "x" * 257, "a\0b", "a\nb"])
def test_a_password_that_nobody_should_have_makes_no_account(password: str) -> None:
    domain = new_domain()
    with pytest.raises(PasswordRefused):
        new_account(domain=domain, password=password)
    assert not Account.objects.filter(login__endswith=f"@{domain}").exists()
    assert not Address.objects.filter(domain__name=domain).exists()


def test_an_address_is_given_once() -> None:
    account = new_account("Alice")
    assert account.login.startswith("alice@")
    with pytest.raises(AddressTaken):
        new_account("ALICE", domain=account.login.partition("@")[2])
    with pytest.raises(DomainNotFound):
        new_account(domain="elsewhere.example")
    accounts.add_operator(login="Root", password=PASSWORD, by="test")
    with pytest.raises(LoginTaken):
        accounts.add_operator(login="root", password=PASSWORD, by="test")


def test_an_account_goes_with_its_mail_and_frees_its_address() -> None:
    account = new_account()
    domain = account.login.partition("@")[2]
    accounts.remove_account(account_id=account.pk, by="test")
    assert not Mailbox.objects.filter(account_id=account.pk).exists()
    with pytest.raises(AccountNotFound):
        accounts.find_account(address=EmailAddress.parse(f"alice@{domain}"))
    new_account(domain=domain)


def test_changes_are_told_in_the_audit_trail_once() -> None:
    account = new_account()
    acts = Act.objects.count()
    accounts.change_account(account_id=account.pk, quota_octets=5, is_enabled=False, by="root")
    accounts.change_account(account_id=account.pk, quota_octets=5, is_enabled=False, by="root")
    assert Act.objects.count() == acts + 1
    assert Act.objects.latest("id").details == {"quota_octets": 5, "is_enabled": False}


def test_postmaster_is_read_by_operators_else_by_the_oldest_account() -> None:
    first = new_account("first")
    domain = first.login.partition("@")[2]
    new_account("second", domain=domain)
    assert [each.account_id for each in postmasters(domain=domain)] == [first.pk]
    accounts.add_operator(login="root", password=PASSWORD, by="test")  # has no mailbox
    assert [each.account_id for each in postmasters(domain=domain)] == [first.pk]
    reader = new_account("reader")
    accounts.change_account(account_id=reader.pk, is_operator=True, by="test")
    assert [each.account_id for each in postmasters(domain=domain)] == [reader.pk]
    assert [each.account_id for each in postmasters(domain=None)] == [reader.pk]


@pytest.mark.parametrize("login", ["", "  ", "a\0b", "a\nb", "a\ud800", "x" * 401])
def test_nobody_signs_in_as_what_cannot_be_typed(login: str) -> None:
    with pytest.raises(LoginInvalid):
        accounts.add_operator(login=login, password=PASSWORD, by="test")


@pytest.mark.parametrize("seconds", [-1, 301])
def test_mail_can_be_taken_back_for_five_minutes_at_most(seconds: int) -> None:
    account = new_account("hasty")
    with pytest.raises(UndoSecondsInvalid, match="0 to 300 seconds"):
        accounts.change_account(account_id=account.pk, undo_seconds=seconds, by="test")
    assert accounts.change_account(account_id=account.pk, undo_seconds=300, by="test").undo_seconds == 300


@pytest.mark.parametrize("password", ["", "a\0b", "a\ud800", "x" * 257])
def test_a_password_that_cannot_be_is_refused(password: str) -> None:
    with pytest.raises(PasswordRefused):
        accounts.add_operator(login="root", password=password, by="test")
