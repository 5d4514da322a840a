"""Lists: pages, cursors, and as many queries for many as for few."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from domains.models import Domain
from tests.api.asking import Api, read, refusal

NAMES = [f"d{number:03}.example.org" for number in range(25)]


def test_pages_follow_each_other_without_gap_or_repetition(api: Api) -> None:
    Domain.objects.bulk_create([Domain(name=name) for name in reversed(NAMES)])
    seen, cursor = [], ""
    for _ in range(4):
        body = read(api.get(f"/domains?limit=10&cursor={cursor}"))
        seen += [item["name"] for item in body["items"]]
        cursor = body["next_cursor"]
        if cursor is None:
            break
    assert seen == NAMES


def test_a_page_stays_true_when_its_last_item_goes(api: Api) -> None:
    Domain.objects.bulk_create([Domain(name=name) for name in NAMES])
    cursor = read(api.get("/domains?limit=10"))["next_cursor"]
    api.delete(f"/domains/{NAMES[9]}")
    api.delete(f"/domains/{NAMES[2]}")
    body = read(api.get(f"/domains?limit=10&cursor={cursor}"))
    assert [item["name"] for item in body["items"]] == NAMES[10:20]


def test_a_full_last_page_has_no_next(api: Api) -> None:
    Domain.objects.bulk_create([Domain(name=name) for name in NAMES])
    assert read(api.get("/domains?limit=25"))["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("limit=0", "invalid_value", "limit"),
        ("limit=201", "invalid_value", "limit"),
        ("limit=many", "invalid_value", "limit"),
        ("cursor=%00", "invalid_cursor", "cursor"),
        ("cursor=AA", "invalid_cursor", "cursor"),
        ("cursor=_w", "invalid_cursor", "cursor"),
        ("cursor=" + "a" * 1025, "invalid_value", "cursor"),
    ],
)
def test_limits_and_cursors_out_of_bounds_are_refused(api: Api, query: str, code: str, field: str) -> None:
    assert refusal(api.get(f"/domains?{query}")) == (422, code, field)


@pytest.mark.parametrize("kind", ["accounts", "aliases"])
def test_accounts_and_aliases_are_listed_by_local_part(api: Api, kind: str) -> None:
    fields: dict[str, object] = (
        {"password": "correct horse"} if kind == "accounts" else {"targets": ["a@example.net"]}
    )
    api.put("/domains/example.org")
    api.put("/domains/example.net")
    for local_part in ("carol", "alice", "bob"):
        api.put(f"/domains/example.org/{kind}/{local_part}", **fields)
    api.put(f"/domains/example.net/{kind}/dave", **fields)
    first = read(api.get(f"/domains/example.org/{kind}?limit=2"))
    assert [item["local_part"] for item in first["items"]] == ["alice", "bob"]
    second = read(api.get(f"/domains/example.org/{kind}?limit=2&cursor={first['next_cursor']}"))
    assert [item["local_part"] for item in second["items"]] == ["carol"]
    assert second["next_cursor"] is None


@pytest.mark.parametrize("kind", ["", "/example.org/accounts", "/example.org/aliases"])
def test_a_long_list_takes_as_many_queries_as_a_short_one(api: Api, kind: str) -> None:
    api.put("/domains/example.org")

    def fill(number: int) -> None:
        api.put(f"/domains/d{number}.example.org", alias_of="example.org")
        api.put(f"/domains/example.org/accounts/a{number}", password="correct horse")
        api.put(f"/domains/example.org/aliases/b{number}", targets=["a@example.net", "b@example.net"])

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert api.get(f"/domains{kind}").status_code == 200
        return len(captured)

    fill(0)
    short = queries()
    for number in range(1, 5):
        fill(number)
    assert queries() == short <= 4
