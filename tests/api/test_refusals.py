"""Everything that is refused before a verb is asked: keys, paths, methods, bodies, a database that is away."""

import json
from datetime import timedelta
from unittest import mock

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from domains.models import Domain
from mailboxes.api_keys import add_api_key
from tests.api.asking import Api, read, refusal


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/domains"),
        ("PUT", "/domains/example.org"),
        ("DELETE", "/domains/example.org"),
        ("PUT", "/domains/example.org/accounts/alice"),
        ("PUT", "/domains/example.org/aliases/*"),
    ],
)
def test_without_a_key_nothing_is_told_or_done(db: None, method: str, path: str) -> None:
    answer = Api("").ask(method, path, b"{")
    assert refusal(answer) == (401, "api_key_missing", None)
    assert answer["WWW-Authenticate"] == 'Bearer realm="mailhost"'


@pytest.mark.parametrize(
    "value", ["Bearer mh_wrong", "Bearer", "Bearer ", "Basic YWxpY2U6c2VjcmV0", "Bearer \x00", "é"]
)
def test_a_wrong_key_is_refused(db: None, value: str) -> None:
    answer = Api("").ask("GET", "/domains", Authorization=value)
    assert refusal(answer) == (401, "api_key_invalid", None)
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]


def test_a_key_that_has_expired_is_refused(db: None) -> None:
    key = add_api_key(name="old", expires_at=timezone.now() - timedelta(seconds=1), by="test")
    assert refusal(Api(key).get("/domains")) == (401, "api_key_invalid", None)


def test_a_session_does_not_open_the_api(db: None, django_user_model: type) -> None:
    operator = django_user_model.objects.create(login="root", is_operator=True)  # type: ignore[attr-defined]
    client = Client()
    client.force_login(operator)
    assert client.get("/api/v1/domains").status_code == 401


def test_a_key_works_where_csrf_is_enforced(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    headers = {"Authorization": f"Bearer {add_api_key(name='robot', by='test')}"}
    assert client.put("/api/v1/domains/example.org", headers=headers).status_code == 201


@pytest.mark.parametrize(
    "path",
    [
        "/api/",
        "/api/v1",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/v2/domains",
        "/api/v1/domains/example.org/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_paths_that_lead_nowhere(api: Api, path: str, method: str) -> None:
    assert refusal(api.ask(method, path)) == (404, "path_not_found", None)


@pytest.mark.parametrize("method", ["POST", "PATCH", "OPTIONS", "BREW"])
def test_wrong_methods_are_told_the_right_ones(api: Api, method: str) -> None:
    answer = api.ask(method, "/domains/example.org")
    assert refusal(answer) == (405, "method_not_allowed", None)
    assert set(answer["Allow"].split(", ")) == {"GET", "PUT", "DELETE"}


@pytest.mark.parametrize(
    "content", [b"{", b"\xff", b"{'a': 1}", b"[" * 100_000, b'{"quota_octets": ' + b"9" * 5_000 + b"}", b"\0"]
)
def test_what_is_not_json_is_refused(api: Api, content: bytes) -> None:
    assert refusal(api.ask("PUT", "/domains/example.org", content)) == (400, "invalid_json", None)
    assert not Domain.objects.filter(name="example.org").exists()


@pytest.mark.parametrize("octets", [(1 << 20) + 1, 3 << 20])
def test_a_large_body_is_refused(api: Api, octets: int) -> None:
    assert refusal(api.ask("PUT", "/domains/example.org", b" " * octets)) == (413, "body_too_large", None)


def test_a_database_that_is_away_is_told_with_a_time_to_try_again(api: Api) -> None:
    for where in ("mailhost.api.domains.find_domain", "mailhost.api.keys.check_api_key"):
        with mock.patch(where, side_effect=OperationalError("connection refused")):
            answer = api.get("/domains/example.org")
        assert refusal(answer) == (503, "database_away", None)
        assert int(answer["Retry-After"]) > 0


def test_a_defect_is_logged_and_keeps_the_shape(api: Api) -> None:
    with mock.patch("mailhost.api.domains.find_domain", side_effect=ZeroDivisionError("secret detail")):
        answer = api.get("/domains/example.org")
    assert refusal(answer) == (500, "internal_error", None)
    assert b"secret" not in answer.content


def test_answers_are_json_and_not_cached(api: Api) -> None:
    answer = api.get("/domains")
    assert answer["Content-Type"].startswith("application/json")
    assert "no-store" in answer["Cache-Control"]
    assert read(answer) == {"items": [], "next_cursor": None}
    assert json.loads(answer.content)["items"] == []
