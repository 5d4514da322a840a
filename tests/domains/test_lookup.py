"""Where mail for an address goes."""

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from domains import aliases, registration
from domains.exceptions import AddressNotFound, DomainNotFound, TooManyTargets
from domains.lookup import is_hosted, resolve
from mailboxes.local_recipients import local_recipients
from mailhost.protocols.addresses import EmailAddress
from tests.support.examples import examples
from tests.support.hosting import new_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def domain() -> str:
    return registration.add_domain(name="a.example", by="test").name


def lead(source: str, *targets: str, is_enabled: bool = True) -> None:
    aliases.set_alias(
        address=EmailAddress.parse(source),
        targets=[EmailAddress.parse(target) for target in targets],
        is_enabled=is_enabled,
        by="test",
    )


def ends(text: str) -> tuple[set[str], set[str], bool]:
    """Logins of the accounts, foreign addresses, and whether it is the postmaster nobody has."""
    address = EmailAddress.parse(text)
    found = resolve(local_part=address.local_part, domain=address.domain)
    logins = {each.login for each in local_recipients(address_ids=list(found.address_ids))}
    return logins, {str(each) for each in found.foreign}, found.is_postmaster


@pytest.mark.parametrize("text", ["alice@a.example", "ALICE@a.example", "alice+list@a.example"])
def test_an_account_in_any_case_and_with_a_sub_address(domain: str, text: str) -> None:
    new_account("alice", domain=domain)
    assert ends(text) == ({"alice@a.example"}, set(), False)


def test_an_exact_address_wins_over_the_sub_address(domain: str) -> None:
    new_account("alice", domain=domain)
    new_account("alice+list", domain=domain)
    assert ends("alice+list@a.example")[0] == {"alice+list@a.example"}


def test_unknown_and_foreign_are_told_apart(domain: str) -> None:
    with pytest.raises(AddressNotFound):
        ends("nobody@a.example")
    with pytest.raises(DomainNotFound):
        ends("nobody@b.example")
    assert (is_hosted(domain=domain), is_hosted(domain="b.example")) == (True, False)


def test_a_domain_alias_has_the_same_local_parts(domain: str) -> None:
    new_account("alice", domain=domain)
    registration.add_domain(name="b.example", alias_of=domain, by="test")
    assert ends("Alice+x@b.example")[0] == {"alice@a.example"}
    with pytest.raises(AddressNotFound):
        ends("bob@b.example")


def test_a_disabled_domain_takes_nothing(domain: str) -> None:
    new_account("alice", domain=domain)
    registration.change_domain(name=domain, is_enabled=False, by="test")
    with pytest.raises(DomainNotFound):
        ends("alice@a.example")


def test_an_alias_leads_to_accounts_other_aliases_and_elsewhere(domain: str) -> None:
    new_account("alice", domain=domain)
    new_account("bob", domain=domain)
    lead("team@a.example", "alice@a.example", "staff@a.example", "carol@c.example", "nobody@a.example")
    lead("staff@a.example", "bob@a.example", "team@a.example", "Carol@c.example")
    assert ends("team@a.example") == ({"alice@a.example", "bob@a.example"}, {"carol@c.example"}, False)


def test_a_loop_leads_nowhere(domain: str) -> None:
    lead("a@a.example", "b@a.example")
    lead("b@a.example", "a@a.example", "b@a.example")
    with pytest.raises(AddressNotFound):
        ends("a@a.example")


def test_a_disabled_alias_leads_nowhere(domain: str) -> None:
    lead("a@a.example", "x@c.example", is_enabled=False)
    with pytest.raises(AddressNotFound):
        ends("a@a.example")


def test_the_catch_all_gets_what_nobody_has(domain: str) -> None:
    new_account("alice", domain=domain)
    new_account("bob", domain=domain)
    lead("*@a.example", "bob@a.example")
    assert ends("anything@a.example")[0] == {"bob@a.example"}
    assert ends("alice@a.example")[0] == {"alice@a.example"}


def test_postmaster_always_has_a_reader(domain: str) -> None:
    lead("*@a.example", "x@c.example")
    assert ends("PostMaster@a.example") == (set(), set(), True)
    new_account("postmaster", domain=domain)
    assert ends("postmaster@a.example")[0] == {"postmaster@a.example"}


def test_a_thousand_targets_are_followed_and_more_are_refused(domain: str) -> None:
    lead("all@a.example", *(f"u{number}@c.example" for number in range(1000)))
    assert len(ends("all@a.example")[1]) == 1000
    lead("both@a.example", "all@a.example", "one@d.example")
    with pytest.raises(TooManyTargets):
        ends("both@a.example")


@examples(30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    links=st.dictionaries(
        st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdefxy"), min_size=1), max_size=6
    )
)
def test_any_web_of_aliases_ends(domain: str, links: dict[str, set[str]]) -> None:
    """x and y are on another host; what is reached is what a plain graph search reaches."""
    for source, targets in links.items():
        lead(f"{source}@a.example", *(f"{t}@{'c' if t in 'xy' else 'a'}.example" for t in sorted(targets)))
    try:
        seen: set[str] = set()
        pending = ["a"]
        while pending:
            if (each := pending.pop()) not in seen:
                seen.add(each)
                pending += links.get(each, ())
        expected = {f"{each}@c.example" for each in seen & {"x", "y"}}
        if expected:
            assert ends("a@a.example") == (set(), expected, False)
        else:
            with pytest.raises(AddressNotFound):
                ends("a@a.example")
    finally:
        for source in links:
            aliases.remove_alias(address=EmailAddress.parse(f"{source}@a.example"), by="test")
