"""/domains/DOMAIN/aliases."""

import pytest

from domains.lookup import resolve
from domains.models import Address, AliasTarget
from tests.api.asking import Api, read, refusal

SALES = "/domains/example.org/aliases/sales"


@pytest.fixture(autouse=True)
def _domain(api: Api) -> None:
    api.put("/domains/example.org")


def test_an_alias_is_put_read_and_deleted(api: Api) -> None:
    put = api.put(SALES, targets=["alice@example.org", "Bob@Example.NET"])
    assert put.status_code == 201
    body = read(put)
    assert body.pop("created_at")
    assert body == {
        "address": "sales@example.org",
        "local_part": "sales",
        "domain": "example.org",
        "targets": ["alice@example.org", "Bob@example.net"],
        "is_enabled": True,
    }
    assert read(api.get(SALES)) == read(put)
    assert api.delete(SALES).status_code == 204
    assert refusal(api.get(SALES)) == (404, "alias_not_found", None)
    assert refusal(api.delete(SALES)) == (404, "alias_not_found", None)
    assert not Address.objects.filter(domain__name="example.org").exists()


def test_a_put_gives_the_whole_list_of_targets(api: Api) -> None:
    api.put(SALES, targets=["a@example.net", "b@example.net"], is_enabled=False)
    before = set(AliasTarget.objects.values_list("pk", flat=True))
    assert api.put(SALES, targets=["a@example.net", "b@example.net"]).status_code == 200
    assert set(AliasTarget.objects.values_list("pk", flat=True)) == before
    changed = read(api.put(SALES, targets=["c@example.net"]))
    assert changed["targets"] == ["c@example.net"]
    assert changed["is_enabled"] is False


def test_the_catch_all_is_written_as_a_star(api: Api) -> None:
    for path in ("/domains/example.org/aliases/*", "/domains/example.org/aliases/%2A"):
        assert api.put(path, targets=["bob@example.net"]).status_code in {200, 201}
    assert read(api.get("/domains/example.org/aliases/*"))["address"] == "*@example.org"
    resolved = resolve(local_part="anybody", domain="example.org")
    assert [str(address) for address in resolved.foreign] == ["bob@example.net"]


def test_an_address_that_an_account_has_is_taken(api: Api) -> None:
    api.put("/domains/example.org/accounts/sales", password="correct horse")
    assert refusal(api.put(SALES, targets=["bob@example.net"])) == (409, "address_taken", None)


@pytest.mark.parametrize(
    "targets", [[], [1], "bob@example.net", None, ["x" * 2000], ["a@example.net"] * 1001]
)
def test_targets_are_a_list_of_addresses(api: Api, targets: object) -> None:
    status, code, field = refusal(api.put(SALES, targets=targets))
    assert (status, code) == (422, "invalid_value")
    assert (field or "").startswith("targets")


@pytest.mark.parametrize("target", ["bob", "@example.net", "a b@example.net", "bob@", "a\0@example.net", ""])
def test_a_target_that_is_no_address_is_refused(api: Api, target: str) -> None:
    assert refusal(api.put(SALES, targets=["a@example.net", target])) == (422, "invalid_address", "targets")
    assert not Address.objects.filter(domain__name="example.org").exists()


def test_targets_are_needed(api: Api) -> None:
    assert refusal(api.put(SALES)) == (422, "invalid_value", "targets")
