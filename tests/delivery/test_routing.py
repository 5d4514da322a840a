"""Routing: each forward-path becomes accounts, addresses elsewhere, or a fact (RFC 5321 sections 3.6 and 3.9)."""

import asyncio

import pytest
from pytest_django import Settings

from delivery.routing import AccountDisabled, Route, Router, may_send_as, owners, route
from delivery.sender_addresses import sender_addresses
from domains.aliases import set_alias
from domains.exceptions import AddressNotFound, DomainNotFound
from domains.models import Domain
from domains.registration import add_domain, change_domain
from mailboxes.accounts import change_account
from mailboxes.exceptions import QuotaExceeded
from mailboxes.models import Account, AccountUsage, Grant, Mailbox
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.smtp.paths import ForwardPath
from tests.support.hosting import new_account, new_domain

pytestmark = pytest.mark.django_db

ELSEWHERE = EmailAddress("Someone", "elsewhere.test")


def to(address: str) -> ForwardPath:
    return ForwardPath(EmailAddress.parse(address))


def alias(address: str, *targets: str, is_enabled: bool = True) -> None:
    set_alias(
        address=EmailAddress.parse(address),
        targets=[EmailAddress.parse(target) for target in targets],
        is_enabled=is_enabled,
        by="test",
    )


@pytest.fixture
def alice() -> Account:
    return new_account("alice")


@pytest.fixture
def domain(alice: Account) -> str:
    return alice.login.partition("@")[2]


def test_an_account(alice: Account) -> None:
    assert route(forward_path=to(alice.login.upper())) == Route((alice.pk,))


def test_other_domains_are_relayed_for_our_accounts_alone() -> None:
    with pytest.raises(DomainNotFound):
        route(forward_path=ForwardPath(ELSEWHERE))
    assert route(forward_path=ForwardPath(ELSEWHERE), may_relay=True) == Route(relay=(ELSEWHERE,))


def test_what_is_not_hosted_here_is_told_with_all_others_from_the_loop(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    async def story() -> None:
        router = Router()
        asked = ForwardPath(ELSEWHERE)
        try:
            assert await router.route(forward_path=asked, size_octets=0, may_relay=True) == Route(
                relay=(ELSEWHERE,)
            )
            with pytest.raises(DomainNotFound):
                await router.route(forward_path=asked, size_octets=0, may_relay=False)
            host = to(f"Postmaster@{settings.HOSTNAME}")
            with pytest.raises(ReachedStore):  # here all the same
                await router.route(forward_path=host, size_octets=0, may_relay=True)
        finally:
            await router.close()

    class ReachedStore(Exception):
        pass

    async def in_store(*args: object, **kwargs: object) -> None:
        raise ReachedStore

    monkeypatch.setattr("delivery.routing.in_store", in_store)
    asyncio.run(story())


def test_unknown_addresses_are_refused_to_our_accounts_too(domain: str) -> None:
    with pytest.raises(AddressNotFound):
        route(forward_path=to(f"nobody@{domain}"), may_relay=True)


def test_a_disabled_domain_is_not_hosted(alice: Account, domain: str) -> None:
    Domain.objects.filter(name=domain).update(is_enabled=False)
    with pytest.raises(DomainNotFound):
        route(forward_path=to(alice.login))


def test_the_size_decides_what_full_is(alice: Account) -> None:
    change_account(account_id=alice.pk, quota_octets=100, by="test")
    assert route(forward_path=to(alice.login), size_octets=100) == Route((alice.pk,))
    with pytest.raises(QuotaExceeded) as fact:
        route(forward_path=to(alice.login), size_octets=101)
    assert fact.value.account_ids == (alice.pk,)


def test_an_account_with_all_messages_it_may_have_is_full(alice: Account) -> None:
    change_account(account_id=alice.pk, quota_messages=1, by="test")
    assert route(forward_path=to(alice.login)) == Route((alice.pk,))
    AccountUsage.objects.filter(account=alice).update(messages=1)
    with pytest.raises(QuotaExceeded):
        route(forward_path=to(alice.login))
    assert [each and each.room_octets for each in owners([EmailAddress.parse(alice.login).key])] == [0]


def test_an_alias_is_all_or_nothing_where_an_account_is_full(alice: Account, domain: str) -> None:
    bob = new_account("bob", domain=domain, quota_octets=10)
    alias(f"team@{domain}", alice.login, bob.login)
    with pytest.raises(QuotaExceeded):
        route(forward_path=to(f"team@{domain}"), size_octets=11)


def test_a_disabled_account_among_others_is_passed_over(alice: Account, domain: str) -> None:
    bob = new_account("bob", domain=domain)
    alias(f"team@{domain}", alice.login, bob.login)
    change_account(account_id=bob.pk, is_enabled=False, by="test")
    assert route(forward_path=to(f"team@{domain}")) == Route((alice.pk,))
    with pytest.raises(AccountDisabled):
        route(forward_path=to(bob.login))


def test_an_alias_of_here_and_elsewhere(alice: Account, domain: str) -> None:
    alias(f"both@{domain}", alice.login, str(ELSEWHERE))
    found = route(forward_path=to(f"both@{domain}"))
    assert found.account_ids == (alice.pk,)
    assert [address.key for address in found.relay] == [ELSEWHERE.key]


def test_a_disabled_alias_is_nobody(alice: Account, domain: str) -> None:
    alias(f"old@{domain}", alice.login, is_enabled=False)
    with pytest.raises(AddressNotFound):
        route(forward_path=to(f"old@{domain}"))


def test_postmaster_of_this_host_and_of_every_domain(alice: Account) -> None:
    change_account(account_id=alice.pk, is_operator=True, by="test")
    assert alice.pk in route(forward_path=ForwardPath(None)).account_ids
    assert alice.pk in route(forward_path=to(f"postmaster@{new_domain()}")).account_ids


def test_postmaster_with_nobody_to_read_it() -> None:
    Account.objects.update(is_operator=False)  # of tests that share the database
    with pytest.raises(AddressNotFound):
        route(forward_path=to(f"postmaster@{new_domain()}"))


def test_who_may_send_as_whom(alice: Account, domain: str) -> None:
    bob = new_account("bob", domain=domain)
    alias(f"team@{domain}", alice.login, bob.login)
    addresses = [EmailAddress.parse(f"{local}@{domain}") for local in ("alice", "ALICE+x", "team")]
    assert may_send_as(account_id=alice.pk, addresses=addresses)
    assert not may_send_as(account_id=bob.pk, addresses=addresses)
    assert may_send_as(account_id=bob.pk, addresses=addresses[2:])
    assert not may_send_as(account_id=alice.pk, addresses=[*addresses, ELSEWHERE])
    change_account(account_id=alice.pk, is_enabled=False, by="test")
    assert not may_send_as(account_id=alice.pk, addresses=addresses)


def test_owners_are_told_of_exact_addresses_alone(alice: Account, domain: str) -> None:
    add_domain(name="b.example", alias_of=domain, by="test")
    change_account(account_id=alice.pk, quota_octets=100, by="test")
    alias(f"sales@{domain}", alice.login)
    keys = [
        (local, name)
        for local in ("alice", "sales", "alice+x", "bob")
        for name in (domain, "b.example", "x.example")
    ]
    found = owners(keys)
    assert [(key, each.room_octets) for key, each in zip(keys, found, strict=True) if each] == [
        (("alice", domain), 100),
        (("alice", "b.example"), 100),
    ]


def lend(owner: Account, borrower: Account | None, rights: str = "p", mailbox: str = "INBOX") -> None:
    shared = Mailbox.objects.get(account=owner, name=mailbox, deleted_at=None)
    Grant.objects.create(mailbox=shared, account=borrower, rights=rights)


def may(account: Account, *addresses: str) -> bool:
    return may_send_as(
        account_id=account.pk, addresses=[EmailAddress.parse(address) for address in addresses]
    )


def test_a_lent_name_is_all_that_the_lender_may_write_as(alice: Account, domain: str) -> None:
    bob = new_account("bob")
    alias(f"info@{domain}", f"alice@{domain}")
    names = [f"alice@{domain}", f"Alice+shop@{domain}", f"info@{domain}"]
    assert not any(may(bob, name) for name in names)
    lend(alice, bob)
    assert may(bob, *names, bob.login)
    assert not may(bob, *names, f"carol@{domain}")
    assert not may(alice, bob.login)


def test_only_p_on_an_inbox_for_oneself_lends_a_name(alice: Account, domain: str) -> None:
    bob = new_account("bob")
    lend(alice, bob, "lrswitekxa")
    lend(alice, None)
    lend(alice, bob, mailbox="Sent")
    assert not may(bob, alice.login)


def test_neither_a_disabled_lender_nor_a_disabled_borrower_counts(alice: Account, domain: str) -> None:
    bob = new_account("bob")
    lend(alice, bob)
    for account in (alice, bob):
        change_account(account_id=account.pk, is_enabled=False, by="test")
        assert not may(bob, alice.login)
        change_account(account_id=account.pk, is_enabled=True, by="test")
    for name in (domain, bob.login.partition("@")[2]):
        change_domain(name=name, is_enabled=False, by="test")
        assert not may(bob, alice.login)
        change_domain(name=name, is_enabled=True, by="test")
    assert may(bob, alice.login)


def test_what_there_is_to_choose_from(alice: Account, domain: str) -> None:
    """Everything offered is allowed; off is what is disabled, everybody's, or leads on by another domain."""
    bob = new_account("bob")
    add_domain(name=f"also-{domain}", alias_of=domain, by="test")
    alias(f"info@{domain}", f"alice@also-{domain}", "x@elsewhere.test")
    alias(f"all@{domain}", f"info@{domain}", f"loop@{domain}")
    alias(f"loop@{domain}", f"all@{domain}")
    alias(f"off@{domain}", f"alice@{domain}", is_enabled=False)
    alias(f"*@{domain}", f"alice@{domain}")
    lend(alice, bob)
    mine = [
        f"{name}@{host}" for name in ("alice", "info", "all", "loop") for host in (domain, f"also-{domain}")
    ]
    chosen = [str(each.address) for each in sender_addresses(account_id=alice.pk)]
    assert chosen[:2] == mine[:2]
    assert sorted(chosen) == sorted(mine)
    assert may(alice, *mine)
    lent = sender_addresses(account_id=bob.pk)
    assert [str(each.address) for each in lent] == [bob.login, *chosen]
    assert {each.owner_id for each in lent[1:]} == {alice.pk}
    assert may(bob, *mine)
    change_account(account_id=alice.pk, is_enabled=False, by="test")
    assert [str(each.address) for each in sender_addresses(account_id=bob.pk)] == [bob.login]
