"""Hosting domains and setting aliases: what is refused changes nothing."""

import pytest

from domains import aliases, registration
from domains.exceptions import (
    AddressTaken,
    AliasNotFound,
    DomainAliasInvalid,
    DomainExists,
    DomainNotEmpty,
    DomainNotFound,
    InvalidAddress,
    TooManyTargets,
)
from domains.models import Address, Alias, Domain
from mailhost.audit.models import Act
from mailhost.protocols.addresses import EmailAddress
from tests.support.hosting import new_account

pytestmark = pytest.mark.django_db


def parse(*texts: str) -> list[EmailAddress]:
    return [EmailAddress.parse(text) for text in texts]


def test_a_domain_is_stored_in_a_labels() -> None:
    assert registration.add_domain(name="Bücher.Example.", by="cli").name == "xn--bcher-kva.example"
    with pytest.raises(DomainExists):
        registration.add_domain(name="xn--bcher-kva.example", by="cli")
    assert registration.find_domain(name="BÜCHER.example").name == "xn--bcher-kva.example"


@pytest.mark.parametrize("name", ["", "a b", "-a.example", "[127.0.0.1]", "127.0.0.1", "a..example"])
def test_what_is_no_domain_is_not_hosted(name: str) -> None:
    before = set(Domain.objects.values_list("name", flat=True))
    with pytest.raises(InvalidAddress):
        registration.add_domain(name=name, by="cli")
    assert set(Domain.objects.values_list("name", flat=True)) == before


def test_a_domain_alias_leads_to_a_domain_of_its_own() -> None:
    registration.add_domain(name="a.example", by="cli")
    registration.add_domain(name="b.example", alias_of="a.example", by="cli")
    with pytest.raises(DomainAliasInvalid):
        registration.add_domain(name="c.example", alias_of="b.example", by="cli")
    with pytest.raises(DomainNotFound):
        registration.add_domain(name="c.example", alias_of="nowhere.example", by="cli")
    with pytest.raises(DomainAliasInvalid):
        registration.claim_address(address=EmailAddress.parse("x@b.example"))
    registration.add_domain(name="d.example", by="cli")
    with pytest.raises(DomainAliasInvalid):  # it has an alias of its own
        registration.change_domain(name="a.example", alias_of="d.example", by="cli")
    registration.change_domain(name="b.example", alias_of=None, by="cli")
    assert registration.find_domain(name="b.example").alias_of is None


def test_a_domain_with_addresses_does_not_become_an_alias_nor_go() -> None:
    registration.add_domain(name="a.example", by="cli")
    new_account("x", domain="a.example")
    registration.add_domain(name="b.example", by="cli")
    with pytest.raises(DomainAliasInvalid):
        registration.change_domain(name="a.example", alias_of="b.example", by="cli")
    with pytest.raises(DomainNotEmpty):
        registration.remove_domain(name="a.example", by="cli")
    registration.remove_domain(name="b.example", by="cli")
    ours = Domain.objects.filter(name__in=["a.example", "b.example"])
    assert list(ours.values_list("name", flat=True)) == ["a.example"]


def test_an_alias_is_set_again_without_a_trace_where_nothing_changes() -> None:
    registration.add_domain(name="a.example", by="cli")
    [address, one, two] = parse("Sales@a.example", "one@b.example", "two@b.example")
    alias, is_new = aliases.set_alias(address=address, targets=[one, two, one], by="cli")
    assert (str(alias), is_new) == ("sales@a.example", True)
    acts = Act.objects.count()
    assert aliases.set_alias(address=address, targets=[one, two], by="cli")[1] is False
    assert Act.objects.count() == acts
    aliases.set_alias(address=address, targets=[two], is_enabled=False, by="api:shop")
    alias.refresh_from_db()
    assert ([target.email for target in alias.targets.all()], alias.is_enabled) == (["two@b.example"], False)
    assert Act.objects.latest("id").actor == "api:shop"


def test_an_alias_does_not_take_an_accounts_address() -> None:
    account = new_account("x", domain=registration.add_domain(name="a.example", by="cli").name)
    with pytest.raises(AddressTaken):
        aliases.set_alias(address=EmailAddress.parse(account.login), targets=parse("y@b.example"), by="cli")
    assert not Alias.objects.filter(address__domain__name="a.example").exists()


def test_an_alias_needs_some_targets_and_not_too_many() -> None:
    registration.add_domain(name="a.example", by="cli")
    [address] = parse("all@a.example")
    with pytest.raises(InvalidAddress):
        aliases.set_alias(address=address, targets=[], by="cli")
    with pytest.raises(TooManyTargets):
        aliases.set_alias(
            address=address, targets=[EmailAddress(f"u{n}", "b.example") for n in range(1001)], by="cli"
        )
    assert not Address.objects.filter(domain__name="a.example").exists()


def test_removing_an_alias_frees_its_address() -> None:
    registration.add_domain(name="a.example", by="cli")
    [address, target] = parse("x@a.example", "y@b.example")
    aliases.add_alias(address=address, targets=[target], by="cli")
    with pytest.raises(AddressTaken):
        aliases.add_alias(address=address, targets=[target], by="cli")
    aliases.remove_alias(address=address, by="cli")
    with pytest.raises(AliasNotFound):
        aliases.remove_alias(address=address, by="cli")
    new_account("x", domain="a.example")
