"""/queue: what waits to leave is found by filter, and told what to do, as far as the key's rights go."""

import json
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from delivery.models import Destination, OutboundRoute, QueuedMessage, QueuedRecipient
from delivery.queue import verbs
from mailboxes.administration import appoint_administrator
from mailboxes.api_keys import add_api_key
from mailhost.audit.models import Act
from tests.api.asking import Api, read, refusal
from tests.support.hosting import new_account
from tests.support.queueing import queue, state


@pytest.fixture(autouse=True)
def quiet(settings: Settings, monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    settings.RELAY = "direct"
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
    monkeypatch.setattr("delivery.queue.verbs.relay_is_due", lambda: None)


def order(api: Api, verb: str, filter: dict[str, Any] | None = None, **fields: Any) -> HttpResponse:
    body = {"filter": filter or {}, **fields}
    return api.ask("POST", f"/queue/{verb}", json.dumps(body).encode())


def found(api: Api, asked: str = "") -> list[str]:
    answer = api.get(f"/queue{asked}")
    assert answer.status_code == 200, answer.content
    return [item["forward_path"] for item in read(answer)["items"]]


def test_the_list_takes_the_filter_and_comes_in_pages(api: Api) -> None:
    queue(*(f"r{number}@far.test" for number in range(5)), "bob@near.test")
    assert found(api, "?domain=near.test") == ["bob@near.test"]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        body = read(api.get(f"/queue?limit=2&states=queued&states=held&cursor={cursor}"))
        seen += [item["forward_path"] for item in body["items"]]
        cursor = body["next_cursor"]
    assert len(seen) == len(set(seen)) == 6


def test_each_names_the_route_that_it_leaves_by(api: Api) -> None:
    made = OutboundRoute.objects.create(name="partner", recipient_domains=["far.test"])
    queue("bob@far.test", "carol@near.test")
    there = Destination.objects.create(name="far.test", route_id=made.pk)
    QueuedRecipient.objects.filter(forward_path="bob@far.test").update(destination=there)
    rows = read(api.get("/queue"))["items"]
    assert {row["forward_path"]: (row["next_hop"], row["route"]) for row in rows} == {
        "bob@far.test": ("far.test", "partner"),
        "carol@near.test": ("near.test", ""),
    }
    sample = read(order(api, "cancel", {"domain": "far.test"}, dry_run=True))["preview"]["sample"]
    assert [row["route"] for row in sample] == ["partner"]


def test_a_dry_run_tells_and_changes_nothing(api: Api) -> None:
    queue("bob@far.test", "carol@far.test")
    body = read(order(api, "cancel", {"next_hop": "far.test"}, dry_run=True))
    assert (body["changed"], body["preview"]["count"]) == (0, 2)
    assert body["preview"]["by_next_hop"] == {"far.test": 2}
    first = QueuedRecipient.objects.filter(forward_path="bob@far.test")
    first.update(destination=Destination.objects.create(name="far.test", route_id=4711))
    body = read(order(api, "cancel", {"domain": "far.test"}, dry_run=True))
    assert body["preview"]["by_next_hop"] == {"far.test": 2}
    assert (state("bob@far.test"), Act.objects.filter(verb="queue cancel").count()) == ("queued", 0)
    assert read(order(api, "cancel", {"next_hop": "far.test"}))["changed"] == 2
    assert (state("bob@far.test"), Act.objects.get(verb="queue cancel").actor) == ("cancelled", "api:robot")


def test_a_large_order_goes_on_with_its_cursor(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verbs, "BATCH", 1)
    queue(*(f"r{number}@far.test" for number in range(7)))
    first = read(order(api, "hold", everything=True))
    assert first["changed"] == 5
    rest = read(order(api, "hold", everything=True, cursor=first["next_cursor"]))
    assert (rest["changed"], state("r6@far.test")) == (2, "held")


@pytest.mark.parametrize(
    ("verb", "fields", "expected"),
    [
        ("hold", {}, (422, "filter_empty", "filter")),
        ("defer", {"everything": True}, (422, "invalid_order", "until")),
        ("defer", {"everything": True, "until": "9999-12-31T23:59:59Z"}, (422, "invalid_order", "until")),
        (
            "defer",
            {"everything": True, "until": "9999-12-31T23:59:59-14:00"},
            (422, "invalid_order", "until"),
        ),
        ("redirect", {"everything": True}, (422, "invalid_order", "to")),
        ("hold", {"everything": True, "to": "x.test"}, (422, "invalid_order", "to")),
        ("redirect", {"everything": True, "to": "-"}, (422, "invalid_address", None)),
        ("release", {"filter": {"states": ["queued"]}}, (422, "invalid_order", "filter.states")),
        ("hold", {"filter": {"sender": "a\0b"}}, (422, "invalid_value", "filter.sender")),
        ("hold", {"everything": True, "cursor": "1"}, (422, "invalid_value", "cursor")),
        ("explode", {"everything": True}, (422, "invalid_value", "verb")),
    ],
)
def test_what_makes_no_sense_is_refused(
    api: Api, verb: str, fields: dict[str, Any], expected: tuple[int, str, str | None]
) -> None:
    queue("bob@far.test")
    assert refusal(order(api, verb, **fields)) == expected
    assert state("bob@far.test") == "queued"


def test_a_key_of_an_account_reaches_what_its_domains_have_sent_and_no_more(api: Api) -> None:
    ada, eve = new_account("ada"), new_account("eve")
    assert ada.address is not None
    appoint_administrator(domain=ada.address.domain.name, login=ada.login, by="test")
    for name, account in (("bob", ada), ("carol", eve), ("dan", None)):
        QueuedMessage.objects.filter(pk=queue(f"{name}@far.test")).update(account=account)
    hers, others = (Api(add_api_key(name=each.login, login=each.login, by="test")) for each in (ada, eve))
    assert found(hers) == ["bob@far.test"]
    assert found(hers, f"?account={eve.login}") == found(others) == []
    assert len(found(api)) == 3
    assert read(order(others, "cancel", everything=True))["changed"] == 0
    assert read(order(hers, "hold", everything=True))["changed"] == 1
    assert [state(f"{name}@far.test") for name in ("bob", "carol", "dan")] == ["held", "queued", "queued"]
    assert refusal(order(hers, "redirect", everything=True, to="x.test"))[:2] == (403, "operators_only")
    assert state("bob@far.test") == "held"


def test_a_key_of_an_account_lets_go_what_administrators_hold_and_nothing_else(api: Api) -> None:
    ada = new_account("ada")
    assert ada.address is not None
    appoint_administrator(domain=ada.address.domain.name, login=ada.login, by="test")
    for name in ("bob", "carol", "dan"):
        QueuedMessage.objects.filter(pk=queue(f"{name}@far.test")).update(account=ada)
    QueuedRecipient.objects.filter(forward_path="dan@far.test").update(state="held")  # as a hijack leaves it
    hers = Api(add_api_key(name=ada.login, login=ada.login, by="test"))
    assert read(order(hers, "hold", everything=True))["changed"] == 2
    assert read(order(api, "hold", {"recipient": "carol@far.test"}))["changed"] == 1
    assert read(order(api, "hold", {"recipient": "carol@far.test"}))["changed"] == 0
    assert read(order(hers, "release", everything=True, dry_run=True))["preview"]["count"] == 1
    assert read(order(hers, "release", everything=True))["changed"] == 1
    assert [state(f"{name}@far.test") for name in ("bob", "carol", "dan")] == ["queued", "held", "held"]
    assert read(order(hers, "hold", everything=True))["changed"] == 1
    assert read(order(api, "release", everything=True))["changed"] == 3


def test_a_list_of_many_takes_no_more_statements_than_one_of_one(api: Api) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            found(api)
        return len(asked)

    queue("first@far.test")
    found(api)  # the key's first use today is written down
    one = statements()
    for number in range(20):
        queue(f"r{number}@d{number}.test")
    assert statements() == one
