"""Administrators who cross each other: one waits for the other, and what both leave behind fits together."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from domains import aliases, registration
from domains.exceptions import DomainFact
from domains.models import Address, Alias, Domain
from mailhost.protocols.addresses import EmailAddress
from tests.support.hosting import new_domain

Call = tuple[Callable[..., object], dict[str, object]]
JOIN_SECONDS = 60.0
ROUNDS = 25

pytestmark = pytest.mark.usefixtures("shared_db")


def at_once(*rounds: list[Call]) -> None:
    """Each list of (function, keyword arguments) in a thread of its own; facts may be stated, errors not."""
    failures: list[BaseException] = []
    start = threading.Barrier(len(rounds))

    def run(calls: list[Call]) -> None:
        try:
            start.wait(JOIN_SECONDS)
            for function, words in calls:
                try:
                    function(by="test", **words)
                except DomainFact:
                    pass
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(calls,), daemon=True) for calls in rounds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(JOIN_SECONDS)
        assert not thread.is_alive()
    assert not failures


def test_two_domains_that_become_aliases_of_each_other() -> None:
    one, two = sorted([new_domain(), new_domain()])
    calls: list[list[Call]] = [
        [(registration.change_domain, {"name": name, "alias_of": to}) for to in [other, None] * ROUNDS]
        for name, other in ((one, two), (two, one))
    ]
    at_once(*calls)
    rows = Domain.objects.filter(name__in=[one, two], alias_of__isnull=False)
    assert len(rows) <= 1


def test_an_alias_is_made_and_removed_by_many() -> None:
    domain = new_domain()
    address, target = EmailAddress("sales", domain), EmailAddress("carol", "elsewhere.example")
    make: Call = (aliases.set_alias, {"address": address, "targets": [target]})
    remove: Call = (aliases.remove_alias, {"address": address})
    at_once([make] * ROUNDS, [make, remove] * ROUNDS, [remove] * ROUNDS)
    addresses = Address.objects.filter(domain__name=domain)
    assert len(addresses) == Alias.objects.filter(address__in=addresses).count() <= 1


def test_nothing_is_left_in_a_domain_that_went() -> None:
    domain = new_domain()
    address, target = EmailAddress("sales", domain), EmailAddress("carol", "elsewhere.example")
    make: Call = (aliases.set_alias, {"address": address, "targets": [target]})
    take: list[Call] = [
        (aliases.remove_alias, {"address": address}),
        (registration.remove_domain, {"name": domain}),
        (registration.add_domain, {"name": domain}),
    ]
    at_once([make] * ROUNDS, take * ROUNDS)
    assert Domain.objects.filter(name=domain).count() <= 1
