"""/domains/DOMAIN/administrators."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from mailboxes.accounts import add_operator
from mailhost.audit.models import Act
from tests.api.asking import Api, read, refusal
from tests.support.hosting import PASSWORD, new_account

WHERE = "/domains/example.org/administrators"


def test_an_administrator_is_appointed_listed_and_withdrawn(api: Api) -> None:
    api.put("/domains/example.org")
    alice = new_account("alice")
    put = api.put(f"{WHERE}/{alice.login.upper()}")
    assert put.status_code == 201
    assert read(put)["login"] == alice.login
    assert (read(put)["domain"], read(put)["is_enabled"]) == ("example.org", True)
    assert api.put(f"{WHERE}/{alice.login}").status_code == 200
    assert read(api.get(WHERE))["items"] == [read(put)]
    assert api.delete(f"{WHERE}/{alice.login}").status_code == 204
    assert read(api.get(WHERE))["items"] == []
    assert refusal(api.delete(f"{WHERE}/{alice.login}")) == (404, "administrator_not_found", None)
    acts = Act.objects.filter(subject="example.org", verb__startswith="domain administrator")
    assert [act.actor for act in acts] == ["api:robot"] * 2


def test_logins_may_hold_what_paths_mean_something_by(api: Api) -> None:
    api.put("/domains/example.org")
    account = new_account("a/b")
    operator = add_operator(login="root", password=PASSWORD, by="test")
    for login in (account.login.replace("/", "%2F"), operator.login):
        assert api.put(f"{WHERE}/{login}").status_code == 201
        assert api.delete(f"{WHERE}/{login}").status_code == 204


def test_what_there_is_not_is_refused(api: Api) -> None:
    alice = new_account("alice")
    assert refusal(api.get(WHERE)) == (404, "domain_not_found", None)
    assert refusal(api.put(f"{WHERE}/{alice.login}")) == (404, "domain_not_found", None)
    api.put("/domains/example.org")
    api.put("/domains/example.net", alias_of="example.org")
    assert refusal(api.put(f"{WHERE}/nobody@example.org")) == (404, "account_not_found", None)
    assert refusal(api.put(f"{WHERE}/%00")) == (404, "account_not_found", None)
    assert refusal(api.delete(f"{WHERE}/%00")) == (404, "administrator_not_found", None)
    assert refusal(api.put(f"/domains/example.net/administrators/{alice.login}"))[:2] == (
        409,
        "domain_alias_invalid",
    )


def test_many_are_listed_in_as_many_queries_as_few(api: Api) -> None:
    api.put("/domains/example.org")

    def queries() -> int:
        api.put(f"{WHERE}/{new_account('alice').login}")
        with CaptureQueriesContext(connection) as captured:
            assert api.get(WHERE).status_code == 200
        return len(captured)

    few = queries()
    assert [queries() for _ in range(3)][-1] == few <= 3
    first = read(api.get(f"{WHERE}?limit=3"))
    rest = read(api.get(f"{WHERE}?limit=3&cursor={first['next_cursor']}"))
    logins = [item["login"] for item in first["items"] + rest["items"]]
    assert logins == sorted(logins)
    assert (len(logins), rest["next_cursor"]) == (4, None)
