"""/trace/inbound: found by whatever is known, and by each key as far as its rights go."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from domains.models import Domain
from mailboxes.accounts import change_account, remove_account
from mailboxes.administration import appoint_administrator, withdraw_administrator
from mailboxes.api_keys import add_api_key, check_api_key
from mailboxes.models import Account, ApiKey
from tests.api.asking import Api, read, refusal
from tests.panel.tracing import NOW, noted, write
from tests.support.hosting import new_account, new_domain

WHERE = "/trace/inbound"


@pytest.fixture
def ada(db: None) -> Account:
    return new_account("ada")


@pytest.fixture
def hers(ada: Account) -> Api:
    """A program with a key of hers."""
    return Api(add_api_key(name="hers", login=ada.login.upper(), by="test"))


def found(api: Api, **asked: Any) -> list[str]:
    answer = api.get(f"{WHERE}?{urlencode(asked)}")
    assert answer.status_code == 200, answer.content
    return [item["forward_path"].partition("@")[0] for item in read(answer)["items"]]


def test_an_operators_key_finds_everything(api: Api) -> None:
    first, second = new_domain(), new_domain()
    write(
        noted(first, "aa"),
        noted(second, "bb", at=NOW - timedelta(hours=1)),
        noted("", "cc", forward_path="", at=NOW - timedelta(hours=2)),
    )
    assert found(api) == ["to-aa", "to-bb", ""]
    assert found(api, text="<id-bb@far.test>") == found(api, text="77acebb") == ["to-bb"]
    assert found(api, domain=first.upper()) == ["to-aa"]
    assert found(api, since=(NOW - timedelta(minutes=5)).isoformat()) == ["to-aa"]
    assert found(api, until=(NOW - timedelta(minutes=90)).isoformat()) == [""]
    [item] = read(api.get(f"{WHERE}?text=to-aa@{first}"))["items"]
    assert (item["outcome"], item["peer"], item["size_octets"]) == ("accepted", "2001:db8::aa", 1_000)


def test_pages_follow_each_other_without_gap_or_repetition(api: Api) -> None:
    domain = new_domain()
    write(*(noted(domain, f"{number:02x}", at=NOW - timedelta(seconds=number // 3)) for number in range(10)))
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        body = read(api.get(f"{WHERE}?limit=4&cursor={cursor}"))
        seen += [item["forward_path"] for item in body["items"]]
        cursor = body["next_cursor"]
    assert len(seen) == len(set(seen)) == 10


@pytest.mark.parametrize("asked", ["text=%00", "text=%25", "text='", f"text={'x' * 320}"])
def test_odd_texts_find_nothing(api: Api, asked: str) -> None:
    write(noted(new_domain(), "aa", reverse_path=""))
    body = read(api.get(f"{WHERE}?{asked}"))
    assert body["items"] == [] or asked == "text=%00"


@pytest.mark.parametrize(
    ("asked", "code", "field"),
    [
        ("since=yesterday", "invalid_value", "since"),
        ("since=2026-11-27T10:00:00", "invalid_value", "since"),
        ("domain=-.org", "invalid_address", None),
        ("cursor=AA", "invalid_cursor", "cursor"),
        ("cursor=MjAyNi0xMS0yNyAx", "invalid_cursor", "cursor"),
        (f"text={'x' * 321}", "invalid_value", "text"),
    ],
)
def test_what_makes_no_sense_is_refused(api: Api, asked: str, code: str, field: str | None) -> None:
    assert refusal(api.get(f"{WHERE}?{asked}")) == (422, code, field)


def test_a_key_of_an_account_sees_its_own_and_that_of_its_domains(hers: Api, ada: Account) -> None:
    ours, theirs = new_domain(), new_domain()
    appoint_administrator(domain=ours, login=ada.login, by="test")
    write(
        noted(ours, "aa"),
        noted(theirs, "bb"),
        noted(ada.login.partition("@")[2], "cc", account_id=ada.pk),
        noted(ada.login.partition("@")[2], "dd", account_id=ada.pk + 1),
        noted("", "ee", forward_path=""),
    )
    assert sorted(found(hers)) == ["to-aa", "to-cc"]
    assert found(hers, domain=ours) == ["to-aa"]
    for text in (
        "from-bb@far.test",
        f"to-bb@{theirs}",
        "77acebb",
        "5e55bb",
        "2001:db8::bb",
        theirs,
        "5e55ee",
    ):
        assert found(hers, text=text) == []
    for name in (theirs, "not-hosted.test", ada.login.partition("@")[2]):
        assert refusal(hers.get(f"{WHERE}?domain={name}")) == (404, "domain_not_found", None)
    withdraw_administrator(domain=ours, login=ada.login, by="test")
    assert found(hers) == ["to-cc"]
    assert refusal(hers.get(f"{WHERE}?domain={ours}"))[0] == 404


def test_a_key_of_an_account_may_do_nothing_else(hers: Api, ada: Account) -> None:
    ours = new_domain()
    appoint_administrator(domain=ours, login=ada.login, by="test")
    paths = ["/domains", f"/domains/{ours}", f"/domains/{ours}/accounts", f"/domains/{ours}/aliases/x"]
    paths += [f"/domains/{ours}/administrators", f"/domains/{ours}/filters/ada/quarantine"]
    for path in paths:
        assert refusal(hers.get(path)) == (403, "operators_only", None)
    for path in ("/domains/new.test", f"/domains/{ours}/administrators/{quote(ada.login)}"):
        assert refusal(hers.put(path)) == (403, "operators_only", None)
        assert refusal(hers.delete(path)) == (403, "operators_only", None)
    assert not Domain.objects.filter(name="new.test").exists()


def test_a_key_goes_with_its_account(hers: Api, ada: Account) -> None:
    change_account(account_id=ada.pk, is_enabled=False, by="test")
    assert refusal(hers.get(WHERE)) == (401, "api_key_invalid", None)
    change_account(account_id=ada.pk, is_enabled=True, by="test")
    assert check_api_key(hers.key) is not None
    remove_account(account_id=ada.pk, by="test")
    assert not ApiKey.objects.filter(name="hers").exists()


def test_many_rows_take_as_many_queries_as_few(hers: Api, ada: Account) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert hers.get(f"{WHERE}?limit=200").status_code == 200
        return len(captured)

    domain = new_domain()
    appoint_administrator(domain=domain, login=ada.login, by="test")
    write(noted(domain, "aa"))
    hers.get(WHERE)  # notes when the key was used
    few = queries()
    write(*(noted(domain, f"{number:02x}") for number in range(100)))
    assert queries() == few <= 3  # key, domains, rows
