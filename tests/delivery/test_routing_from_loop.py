"""What is told from the event loop about a forward-path is what the function tells, whatever the address is."""

import asyncio
from collections.abc import Sequence
from itertools import product

import pytest
from pytest_django import Settings

from delivery.routing import AccountDisabled, Route, Router, route
from domains.aliases import set_alias
from domains.exceptions import DomainFact
from domains.registration import add_domain, change_domain
from mailboxes.accounts import change_account
from mailboxes.exceptions import MailboxFact
from mailhost.net.store_threads import close_store_threads
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.smtp.paths import ForwardPath
from tests.support.hosting import new_account

Asked = tuple[str, bool]  # an address, and whether mail for other hosts is taken

LOCAL_PARTS = (
    "alice", "Alice", "alice+tag", "gone", "team", "nobody", "postmaster", "srs0=aaaa=bb=far.test=x", "jörg",
)  # fmt: skip


@pytest.fixture
def names(shared_db: None, settings: Settings) -> list[str]:
    """Domains of every kind."""
    alice = new_account("alice")
    domain = alice.login.partition("@")[2]
    gone = new_account("gone", domain=domain)
    change_account(account_id=gone.pk, is_enabled=False, by="test")
    targets = [EmailAddress.parse(alice.login), EmailAddress("Someone", "elsewhere.test")]
    set_alias(address=EmailAddress("team", domain), targets=targets, is_enabled=True, by="test")
    aliases = [add_domain(name=f"{each}-{domain}", alias_of=domain, by="test").name for each in ("as", "off")]
    change_domain(name=aliases[1], is_enabled=False, by="test")
    resting = new_account("alice").login.partition("@")[2]
    to_resting = add_domain(name=f"as-{resting}", alias_of=resting, by="test").name
    change_domain(name=resting, is_enabled=False, by="test")
    return [domain, *aliases, resting, to_resting, settings.HOSTNAME, "far.test", "[192.0.2.1]", "fär.test"]


def outcome(told: object) -> object:
    if isinstance(told, Exception):
        assert isinstance(told, DomainFact | MailboxFact | AccountDisabled), told
        return type(told)
    return told


def from_function(asked: Asked) -> object:
    address, may_relay = asked
    try:
        return route(forward_path=ForwardPath(EmailAddress.parse(address)), may_relay=may_relay)
    except Exception as fact:
        return outcome(fact)


async def from_loop(asked: Sequence[Asked]) -> list[object]:
    router = Router()
    questions = (
        router.route(
            forward_path=ForwardPath(EmailAddress.parse(address)), size_octets=0, may_relay=may_relay
        )
        for address, may_relay in asked
    )
    told = await asyncio.gather(*questions, return_exceptions=True)
    await router.close()
    close_store_threads()
    return [outcome(each) for each in told]


def test_both_tell_the_same(names: list[str]) -> None:
    asked = [
        (f"{local}@{name}", may_relay)
        for local, name, may_relay in product(LOCAL_PARTS, names, (False, True))
    ]
    expected = [from_function(each) for each in asked]
    assert dict(zip(asked, asyncio.run(from_loop(asked)), strict=True)) == dict(
        zip(asked, expected, strict=True)
    )
    assert len({len(each.relay) if isinstance(each, Route) else each for each in expected}) >= 5


def test_mail_for_a_domain_that_is_disabled_is_other_hosts_business(names: list[str]) -> None:
    [relayed, refused] = asyncio.run(from_loop([(f"alice@{names[3]}", True), (f"alice@{names[3]}", False)]))
    assert isinstance(relayed, Route)
    assert [each.domain for each in relayed.relay] == [names[3]]
    assert refused == from_function((f"alice@{names[3]}", False))
