"""/queue-orders: a verb over many is ordered once, carried out by a worker, looked at and stopped."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import timezone
from pytest_django import Settings

from delivery.models import QueuedMessage, QueuedRecipient, QueueOrder
from delivery.queue import orders, verbs
from delivery.queue.orders import carry_out, go_on
from mailboxes.administration import appoint_administrator
from mailboxes.api_keys import add_api_key, remove_api_key
from mailboxes.models import Account, ApiKey
from mailhost.api import queue_orders
from mailhost.audit.models import Act
from tests.api.asking import Api, read, refusal
from tests.support.hosting import new_account
from tests.support.queueing import queue


@pytest.fixture(autouse=True)
def in_small_batches(settings: Settings, monkeypatch: pytest.MonkeyPatch, db: None) -> list[str]:
    """Two recipients in each, and nothing at once. The notices that workers were sent."""
    told: list[str] = []
    settings.RELAY = "direct"
    for name in ("enqueue.relay_is_due", "verbs.relay_is_due"):
        monkeypatch.setattr(f"delivery.queue.{name}", lambda: None)
    monkeypatch.setattr(orders, "orders_are_due", lambda: told.append("due"))
    monkeypatch.setattr(verbs, "BATCH", 2)
    monkeypatch.setattr(orders, "AT_ONCE", 0)
    return told


def order(api: Api, verb: str, filter: dict[str, Any] | None = None, **fields: Any) -> HttpResponse:
    body = {"verb": verb, "filter": filter or {}, **fields}
    return api.ask("POST", "/queue-orders", json.dumps(body).encode())


def states() -> list[str]:
    return list(QueuedRecipient.objects.order_by("pk").values_list("state", flat=True))


def an_administrator(api: Api, name: str = "ada") -> tuple[Api, Account]:
    """With a key, and four messages that she has sent."""
    account = new_account(name)
    assert account.address is not None
    appoint_administrator(domain=account.address.domain.name, login=account.login, by="test")
    for number in range(4):
        QueuedMessage.objects.filter(pk=queue(f"{name}{number}@far.test")).update(account=account)
    return Api(add_api_key(name=name, login=account.login, by="test")), account


def test_an_order_is_taken_with_its_address_and_any_worker_carries_it_out(
    api: Api, in_small_batches: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    queue(*(f"r{number}@far.test" for number in range(5)), "bob@near.test")
    with django_capture_on_commit_callbacks(execute=True):
        answer = order(api, "hold", {"next_hop": "far.test"})
    placed, address = read(answer), answer["Location"]
    assert (answer.status_code, placed["state"], placed["changed"], in_small_batches) == (
        202,
        "running",
        0,
        ["due"],
    )
    assert (placed["preview"]["count"], placed["total"]) == (5, None)
    assert address == f"/api/v1/queue-orders/{placed['id']}"
    go_on(placed["id"], now=timezone.now())
    seen = read(api.get(address))
    assert (seen["state"], seen["changed"], seen["total"]) == ("running", 2, 5)
    assert (seen["filter"], seen["ended_at"]) == ({"next_hop": "far.test"}, None)
    carry_out(clock=timezone.now)
    seen = read(api.get(address))
    assert (seen["state"], seen["changed"], seen["by"]) == ("done", 5, "api:robot")
    assert states() == ["held"] * 5 + ["queued"]
    assert set(Act.objects.filter(verb="queue hold").values_list("actor", flat=True)) == {"api:robot"}


def test_few_are_done_at_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "AT_ONCE", 2)
    queue("bob@far.test")
    answer = order(api, "bounce", {"recipient": "bob@far.test"}, reply="No.")
    assert (answer.status_code, read(answer)["state"], read(answer)["reply"]) == (202, "done", "No.")
    assert states() == ["bounced"]


def test_what_is_stopped_stays_as_far_as_it_came(api: Api) -> None:
    queue(*(f"r{number}@far.test" for number in range(5)))
    address = order(api, "hold", everything=True)["Location"]
    go_on(int(address.rpartition("/")[2]), now=timezone.now())
    assert api.ask("POST", f"{address}/stop").status_code == 204
    carry_out(clock=timezone.now)
    seen = read(api.get(address))
    assert (seen["state"], seen["changed"], states().count("held")) == ("stopped", 2, 2)
    assert refusal(api.ask("POST", f"{address}/stop")) == (409, "order_over", None)


def test_orders_are_listed_the_latest_first_page_by_page(api: Api) -> None:
    queue("bob@far.test")
    given = [read(order(api, verb, everything=True))["id"] for verb in ("hold", "release", "retry")]
    first = read(api.get("/queue-orders?limit=2"))
    rest = read(api.get(f"/queue-orders?limit=2&cursor={first['next_cursor']}"))
    assert [item["id"] for item in first["items"] + rest["items"]] == given[::-1]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("verb", "fields", "expected"),
    [
        ("hold", {}, (422, "filter_empty", "filter")),
        ("defer", {"everything": True}, (422, "invalid_order", "until")),
        ("redirect", {"everything": True, "to": "-"}, (422, "invalid_address", None)),
        ("release", {"filter": {"states": ["queued"]}}, (422, "invalid_order", "filter.states")),
        ("explode", {"everything": True}, (422, "invalid_value", "verb")),
        ("bounce", {"everything": True, "dry_run": True}, (422, "invalid_value", "dry_run")),
    ],
)
def test_what_makes_no_sense_is_refused_before_it_is_written_down(
    api: Api, verb: str, fields: dict[str, Any], expected: tuple[int, str, str | None]
) -> None:
    queue("bob@far.test")
    assert refusal(order(api, verb, **fields)) == expected
    assert not QueueOrder.objects.exists()


def test_a_key_has_only_so_many_orders_under_way(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_orders, "MAX_RUNNING", 2)
    queue("bob@far.test")
    assert [order(api, "hold", everything=True).status_code for _ in range(2)] == [202, 202]
    assert refusal(order(api, "hold", everything=True)) == (409, "too_many_orders", None)
    carry_out(clock=timezone.now)
    assert order(api, "release", everything=True).status_code == 202


def test_a_key_of_an_account_orders_over_what_its_domains_sent_and_sees_its_own_orders(api: Api) -> None:
    hers, ada = an_administrator(api)
    others, _ = an_administrator(api, "eve")
    queue("bob@far.test")
    address = order(hers, "hold", everything=True)["Location"]
    carry_out(clock=timezone.now)
    assert states() == ["held"] * 4 + ["queued"] * 5
    assert read(hers.get(address))["changed"] == read(api.get(address))["changed"] == 4
    assert refusal(others.get(address))[:2] == refusal(others.ask("POST", f"{address}/stop"))[:2]
    assert refusal(others.get(address)) == (404, "order_not_found", None)
    assert read(others.get("/queue-orders"))["items"] == []
    assert refusal(order(hers, "redirect", everything=True, to="x.test"))[:2] == (403, "operators_only")
    # Who has the name afterwards is somebody else.
    remove_api_key(name="ada", by="test")
    later = Api(add_api_key(name="ada", login=ada.login, by="test"))
    assert refusal(later.get(address)) == (404, "order_not_found", None)


@pytest.mark.parametrize("ends", ["removed", "expired", "made anew"])
@pytest.mark.parametrize("whose", ["an account's", "an operator's"])
def test_an_order_ends_with_its_key(api: Api, ends: str, whose: str) -> None:
    hers, ada = an_administrator(api)
    operators = Api(add_api_key(name="root", by="test"))
    asked, name, login = (hers, "ada", ada.login) if whose == "an account's" else (operators, "root", None)
    address = order(asked, "cancel", everything=True)["Location"]
    go_on(int(address.rpartition("/")[2]), now=timezone.now())
    if ends == "expired":
        ApiKey.objects.filter(name=name).update(expires_at=timezone.now() - timedelta(seconds=1))
    else:
        remove_api_key(name=name, by="test")
    if ends == "made anew":
        add_api_key(name=name, login=login, by="test")
    carry_out(clock=timezone.now)
    seen = read(api.get(address))
    assert (seen["state"], seen["changed"], states().count("cancelled")) == ("stopped", 2, 2)
