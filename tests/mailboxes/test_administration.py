"""Who administers a domain: appointed, withdrawn, and what follows from either."""

import pytest

from domains.exceptions import DomainAliasInvalid, DomainNotFound
from domains.registration import add_domain, change_domain, remove_domain
from mailboxes import administration
from mailboxes.accounts import change_account, remove_account
from mailboxes.administration import (
    administrators_of,
    appoint_administrator,
    domains_administered_by,
    withdraw_administrator,
)
from mailboxes.exceptions import AccountNotFound, NotAnAdministrator, TooManyAdministrators
from mailboxes.models import Account, DomainAdministrator
from mailhost.audit.models import Act
from tests.support.hosting import new_account, new_domain

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> Account:
    """Of a domain that she does not administer."""
    return new_account("alice")


@pytest.fixture
def domain() -> str:
    return new_domain()


def appoint(domain: str, account: Account) -> bool:
    return appoint_administrator(domain=domain, login=account.login, by="root")[1]


def administered(account: Account) -> list[str]:
    return domains_administered_by(account_id=account.pk)


def administrators(domain: str) -> list[str]:
    return [row.account.login for row in administrators_of(domain=domain)]


def test_an_account_of_any_domain_administers_what_it_was_given(alice: Account, domain: str) -> None:
    other = new_domain()
    assert administered(alice) == []
    assert appoint(domain.upper(), alice)
    assert not appoint(domain, alice)
    assert administered(alice) == [domain]
    assert administrators(domain) == [alice.login]
    assert administrators(other) == []
    [act] = Act.objects.filter(verb="domain administrator appointed")
    assert (act.actor, act.subject, act.details) == ("root", domain, {"account": alice.login})


def test_the_role_ends_when_it_is_withdrawn(alice: Account, domain: str) -> None:
    appoint(domain, alice)
    withdraw_administrator(domain=domain, login=alice.login.upper(), by="root")
    assert administered(alice) == []
    assert Act.objects.filter(verb="domain administrator withdrawn", subject=domain, actor="root").exists()
    with pytest.raises(NotAnAdministrator):
        withdraw_administrator(domain=domain, login=alice.login, by="root")


def test_a_disabled_account_administers_nothing_meanwhile(alice: Account, domain: str) -> None:
    appoint(domain, alice)
    add_domain(name=f"also-{domain}", alias_of=domain, by="test")
    change_account(account_id=alice.pk, is_enabled=False, by="test")
    assert administered(alice) == []
    change_account(account_id=alice.pk, is_enabled=True, by="test")
    assert administered(alice) == [f"also-{domain}", domain]


def test_domain_aliases_belong_to_whoever_administers_their_domain(alice: Account, domain: str) -> None:
    bob, other = new_account("bob"), new_domain()
    appoint(domain, alice)
    appoint(other, bob)
    change_domain(name=other, alias_of=domain, by="test")
    assert administered(alice) == sorted([domain, other])
    assert administrators(other) == [alice.login]
    assert administered(bob) == []
    with pytest.raises(DomainAliasInvalid, match=f"whoever administers {domain}"):
        appoint(other, bob)
    change_domain(name=other, alias_of=None, by="test")
    assert (administered(alice), administered(bob)) == ([domain], [other])


def test_what_there_is_not_is_refused(alice: Account, domain: str) -> None:
    with pytest.raises(AccountNotFound):
        appoint_administrator(domain=domain, login=f"nobody@{domain}", by="test")
    with pytest.raises(DomainNotFound):
        appoint(f"not-{domain}", alice)


def test_a_domain_has_a_handful_of_administrators(
    alice: Account, domain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(administration, "MAX_ADMINISTRATORS", 1)
    appoint(domain, alice)
    with pytest.raises(TooManyAdministrators):
        appoint(domain, new_account("bob"))


def test_the_role_goes_with_its_account_and_with_its_domain(alice: Account, domain: str) -> None:
    other = new_domain()
    appoint(domain, alice)
    appoint(other, alice)
    remove_domain(name=other, by="test")
    assert administered(alice) == [domain]
    remove_account(account_id=alice.pk, by="test")
    assert not DomainAdministrator.objects.filter(domain__name__in=[domain, other]).exists()
