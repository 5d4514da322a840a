"""Moments come in with any offset (RFC 3339 section 5.6), as far as there are years."""

import json
from datetime import datetime

import pytest

from delivery.models import Suppression
from tests.api.asking import Api, read, refusal
from tests.support.hosting import new_account

FAR = "%2B23:59"


@pytest.mark.parametrize(
    "asked",
    [
        "/queue?before=",
        "/queue?since=",
        "/trace?since=",
        "/trace?until=",
        "/trace/inbound?since=",
        "/trace/inbound?until=",
    ],
)
def test_offsets_of_nearly_a_day_are_moments_like_others(api: Api, asked: str) -> None:
    assert api.get(f"{asked}2026-03-01T00:00:00{FAR}").status_code == 200
    assert api.get(f"{asked}2026-03-01T00:00:00-23:59").status_code == 200
    assert api.get(f"{asked}0001-01-01T00:00:00{FAR}").status_code == 200
    assert api.get(f"{asked}9999-12-31T23:59:59-23:59").status_code == 200
    assert refusal(api.get(f"{asked}2026-03-01T00:00:00"))[:2] == (422, "invalid_value")


def test_they_are_the_moments_that_they_are(api: Api) -> None:
    account = new_account("alice")
    moment = "2030-03-01T00:00:00+23:30"
    answer = api.put("/suppressions/bob@far.test", login=account.login, expires_at=moment)
    assert answer.status_code in (200, 201), answer.content
    assert read(answer)["expires_at"] == "2030-02-28T00:30:00Z"
    assert Suppression.objects.get(account=account).expires_at == datetime.fromisoformat(moment)


def test_so_are_those_in_bodies(api: Api) -> None:
    body = {
        "filter": {"recipient": "x@far.test", "before": "2026-03-01T00:00:00-23:30"},
        "until": "2026-03-02T00:00:00+23:30",
    }
    assert api.ask("POST", "/queue/defer", json.dumps(body | {"dry_run": True}).encode()).status_code == 200


def test_no_route_is_called_nul(api: Api) -> None:
    for answer in (
        api.get("/routes/a%00b"),
        api.put("/routes/a%00b", smarthost="x.test"),
        api.delete("/routes/a%00b"),
    ):
        assert refusal(answer)[:2] == (422, "invalid_value")
