"""Two programs put or delete the same thing at the same moment."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.http import HttpResponse

from delivery.models import QueuedMessage
from domains.models import Address, Domain
from mailboxes.api_keys import add_api_key, remove_api_key
from mailboxes.models import Account
from tests.api.asking import Api
from tests.support.hosting import new_account, new_domain

AT_ONCE = 6


def at_once(ask: Callable[[], HttpResponse]) -> Counter[int]:
    """How often each status was answered when so many ask at the same moment."""
    barrier = threading.Barrier(AT_ONCE)

    def one() -> int:
        try:
            barrier.wait(10)
            return ask().status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return Counter(future.result(30) for future in [threads.submit(one) for _ in range(AT_ONCE)])


@pytest.fixture
def api(shared_db: None, request: pytest.FixtureRequest) -> Iterator[Api]:
    """What it writes is committed, so that other threads see it."""
    name = f"races {request.node.name}"
    yield Api(add_api_key(name=name, by="test"))
    remove_api_key(name=name, by="test")


def test_a_domain_is_made_once(api: Api) -> None:
    name = f"races.{new_domain()}"
    assert at_once(lambda: api.beside().put(f"/domains/{name}")) == {201: 1, 200: AT_ONCE - 1}
    assert Domain.objects.filter(name=name).count() == 1


def test_an_account_is_made_once(api: Api) -> None:
    path = f"/domains/{new_domain()}/accounts/alice"
    assert at_once(lambda: api.beside().put(path, password="correct horse")) == {201: 1, 200: AT_ONCE - 1}


def test_an_alias_is_made_once(api: Api) -> None:
    path = f"/domains/{new_domain()}/aliases/sales"
    assert at_once(lambda: api.beside().put(path, targets=["a@example.net"])) == {201: 1, 200: AT_ONCE - 1}


def test_an_account_is_removed_once(api: Api) -> None:
    account = new_account()
    assert account.address is not None
    path = f"/domains/{account.address.domain.name}/accounts/alice"
    assert at_once(lambda: api.beside().delete(path)) == {204: 1, 404: AT_ONCE - 1}
    assert not Account.objects.filter(pk=account.pk).exists()


def test_an_address_goes_to_an_account_or_to_an_alias(api: Api) -> None:
    domain = new_domain()
    asked = iter(range(AT_ONCE))

    def ask() -> HttpResponse:
        if next(asked) % 2:
            return api.beside().put(f"/domains/{domain}/accounts/alice", password="correct horse")
        return api.beside().put(f"/domains/{domain}/aliases/alice", targets=["a@example.net"])

    assert at_once(ask) == {201: 1, 200: AT_ONCE // 2 - 1, 409: AT_ONCE // 2}
    assert Address.objects.filter(domain__name=domain).count() == 1


def test_a_domain_goes_or_gets_its_first_account(api: Api) -> None:
    domain = new_domain()
    asked = iter(range(AT_ONCE))

    def ask() -> HttpResponse:
        if next(asked) % 2:
            return api.beside().put(f"/domains/{domain}/accounts/alice", password="correct horse")
        return api.beside().delete(f"/domains/{domain}")

    answers = at_once(ask)
    assert set(answers) <= {200, 201, 204, 404, 409}
    is_hosted = Domain.objects.filter(name=domain).exists()
    assert is_hosted == (answers[201] == 1) == (answers[204] == 0)


def test_a_message_is_sent_once_with_one_key(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
    ada = new_account("ada")

    def send() -> HttpResponse:
        path, key = f"/messages?login={ada.login}", {"Idempotency-Key": "1"}
        return api.beside().post(path, key, to=[{"address": "x@far.test"}], text="Once.")

    assert at_once(send) == {201: 1, 200: AT_ONCE - 1}
    assert QueuedMessage.objects.filter(account=ada).count() == 1
