"""/domains/DOMAIN/accounts."""

import pytest

from mailboxes.models import Account, Mailbox
from tests.api.asking import Api, read, refusal

ALICE = "/domains/example.org/accounts/alice"
PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def _domain(api: Api) -> None:
    api.put("/domains/example.org")


def test_an_account_is_put_read_and_deleted(api: Api) -> None:
    put = api.put(ALICE, password=PASSWORD, quota_octets=1_000_000, display_name="Alice Arnold")
    assert put.status_code == 201
    body = read(put)
    assert body.pop("created_at")
    assert body == {
        "address": "alice@example.org",
        "local_part": "alice",
        "domain": "example.org",
        "display_name": "Alice Arnold",
        "is_enabled": True,
        "quota_octets": 1_000_000,
        "quota_messages": 0,
        "closed_protocols": [],
        "imap_switched_off": [],
        "pop3_keeps_copy": False,
        "undo_seconds": 0,
        "junk_score": None,
        "quarantine_score": None,
        "refuse_score": None,
        "usage": {"octets": 0, "messages": 0},
    }
    assert read(api.get(ALICE)) == read(put)
    assert Mailbox.objects.filter(account__login="alice@example.org").count() == 6
    assert api.delete(ALICE).status_code == 204
    assert refusal(api.get(ALICE)) == (404, "account_not_found", None)
    assert refusal(api.delete(ALICE)) == (404, "account_not_found", None)


def test_a_new_account_needs_a_password(api: Api) -> None:
    assert refusal(api.put(ALICE, quota_octets=1)) == (422, "password_required", "password")
    assert not Account.objects.filter(login__endswith="@example.org").exists()


def test_a_body_is_needed(api: Api) -> None:
    assert refusal(api.ask("PUT", ALICE))[:2] == (422, "invalid_value")


def test_putting_the_same_again_keeps_the_password_as_it_is_stored(api: Api) -> None:
    api.put(ALICE, password=PASSWORD)
    before = Account.objects.get(login="alice@example.org")
    assert api.put(ALICE, password=PASSWORD).status_code == 200
    assert Account.objects.get(login="alice@example.org").password == before.password
    assert api.put(ALICE, password="another one").status_code == 200
    after = Account.objects.get(login="alice@example.org")
    assert after.check_password("another one")
    assert bytes(after.scram_stored_key) != bytes(before.scram_stored_key)


def test_what_is_left_out_stays_as_it_is(api: Api) -> None:
    api.put(ALICE, password=PASSWORD, quota_octets=7, display_name="Alice", is_enabled=False)
    body = read(api.put(ALICE, quota_octets=8))
    assert (body["quota_octets"], body["display_name"], body["is_enabled"]) == (8, "Alice", False)
    assert read(api.put(ALICE, quota_messages=9))["quota_messages"] == 9
    body = read(api.put(ALICE, quota_octets=8))
    assert (body["quota_octets"], body["quota_messages"]) == (8, 9)


def test_what_is_closed_to_an_account(api: Api) -> None:
    put = api.put(ALICE, password=PASSWORD, closed_protocols=["smtp", "imap"], pop3_keeps_copy=True)
    assert put.status_code == 201
    body = read(api.put(ALICE, imap_switched_off=["QRESYNC", "LITERAL+"]))
    assert body["closed_protocols"] == ["imap", "smtp"]
    assert body["imap_switched_off"] == ["LITERAL+", "QRESYNC"]
    assert body["pop3_keeps_copy"] is True
    assert read(api.put(ALICE, closed_protocols=[]))["closed_protocols"] == []
    for field, value in (
        ("closed_protocols", ["ftp"]),
        ("imap_switched_off", ["IMAP4rev1"]),
        ("imap_switched_off", ["qresync"]),
        ("pop3_keeps_copy", "yes"),
    ):
        status, code, where = refusal(api.put(ALICE, **{field: value}))
        assert (status, code) == (422, "invalid_value")
        assert str(where).startswith(field)


def test_how_long_sent_mail_can_be_taken_back(api: Api) -> None:
    assert read(api.put(ALICE, password=PASSWORD, undo_seconds=10))["undo_seconds"] == 10
    assert read(api.put(ALICE, undo_seconds=300))["undo_seconds"] == 300
    for seconds in (-1, 301, "ten"):
        assert refusal(api.put(ALICE, undo_seconds=seconds)) == (422, "invalid_value", "undo_seconds")
    assert read(api.get(ALICE))["undo_seconds"] == 300


def test_the_default_quota_is_the_settings(api: Api, settings: pytest.FixtureRequest) -> None:
    settings.DEFAULT_QUOTA_OCTETS = 12_345  # type: ignore[attr-defined]  # pytest-django's settings take any name
    assert read(api.put(ALICE, password=PASSWORD))["quota_octets"] == 12_345


def test_no_answer_holds_a_password(api: Api) -> None:
    for answer in (
        api.put(ALICE, password=PASSWORD),
        api.get(ALICE),
        api.get("/domains/example.org/accounts"),
    ):
        assert PASSWORD.encode() not in answer.content
        assert b"password" not in answer.content


def test_local_parts_in_any_case_and_percent_encoded_name_the_same_account(api: Api) -> None:
    assert api.put("/domains/EXAMPLE.org/accounts/J%C3%B6rg", password=PASSWORD).status_code == 201
    assert read(api.get("/domains/example.org/accounts/j%C3%B6rg"))["local_part"] == "jörg"
    assert api.put("/domains/example.org/accounts/JO%CC%88RG", password=PASSWORD).status_code == 200
    assert Account.objects.filter(login__endswith="@example.org").count() == 1


def test_a_local_part_may_hold_what_urls_hold_apart(api: Api) -> None:
    for local_part in ("a%2Fb", "a/b", "%22a%20b%22", "a%3Fb", "a+b", "%25"):
        assert api.put(f"/domains/example.org/accounts/{local_part}", password=PASSWORD).status_code in {
            200,
            201,
        }
        assert api.get(f"/domains/example.org/accounts/{local_part}").status_code == 200
    listed = [item["local_part"] for item in read(api.get("/domains/example.org/accounts"))["items"]]
    assert sorted(listed) == ['"a b"', "%", "a+b", "a/b", "a?b"]


def test_a_full_address_as_local_part_is_a_mistake(api: Api) -> None:
    path = "/domains/example.org/accounts/alice@example.org"
    assert refusal(api.put(path, password=PASSWORD)) == (422, "invalid_address", "local_part")


@pytest.mark.parametrize("local_part", ["a..b", "%20", "%00", "a" * 65, "a@b", '"'])
def test_what_is_no_local_part_is_refused(api: Api, local_part: str) -> None:
    answer = api.put(f"/domains/example.org/accounts/{local_part}", password=PASSWORD)
    assert refusal(answer) == (422, "invalid_address", "local_part")


def test_the_catch_all_is_an_alias(api: Api) -> None:
    assert refusal(api.put("/domains/example.org/accounts/*", password=PASSWORD))[:2] == (
        422,
        "invalid_address",
    )


def test_an_address_that_an_alias_has_is_taken(api: Api) -> None:
    api.put("/domains/example.org/aliases/alice", targets=["bob@example.net"])
    assert refusal(api.put(ALICE, password=PASSWORD)) == (409, "address_taken", None)


def test_a_domain_alias_has_no_accounts_of_its_own(api: Api) -> None:
    api.put("/domains/example.net", alias_of="example.org")
    answer = api.put("/domains/example.net/accounts/alice", password=PASSWORD)
    assert refusal(answer)[:2] == (409, "domain_alias_invalid")


def test_a_domain_that_is_not_hosted_is_told_first(api: Api) -> None:
    for answer in (
        api.put("/domains/example.net/accounts/alice", password=PASSWORD),
        api.put("/domains/example.net/accounts/alice"),
        api.get("/domains/example.net/accounts/alice"),
        api.get("/domains/example.net/accounts"),
        api.delete("/domains/example.net/accounts/alice"),
    ):
        assert refusal(answer) == (404, "domain_not_found", None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("password", ""),
        ("password", None),
        ("password", "x" * 257),
        ("password", "a\ud800b"),
        ("quota_octets", -1),
        ("quota_messages", -1),
        ("quota_messages", 1 << 63),
        ("quota_octets", 1 << 63),
        ("quota_octets", "5G"),
        ("quota_octets", 1.5),
        ("quota_octets", True),
        ("is_enabled", 1),
        ("display_name", "a\0b"),
        ("display_name", "a\r\nBcc: eve@example.com"),
        ("display_name", "x" * 201),
        ("usage", {}),
    ],
)
def test_values_out_of_bounds_are_refused_by_name(api: Api, field: str, value: object) -> None:
    assert refusal(api.put(ALICE, **{"password": PASSWORD, field: value})) == (422, "invalid_value", field)
    assert not Account.objects.filter(login__endswith="@example.org").exists()


def test_a_password_that_nobody_should_have_is_refused(api: Api) -> None:
    assert refusal(api.put(ALICE, password="a\tb")) == (422, "password_refused", "password")
