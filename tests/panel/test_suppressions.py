"""Lists of suppressed addresses as their owners, administrators and operators see and lift them; never another's."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from delivery.models import Suppression
from delivery.suppression_lists import suppress
from domains.registration import add_domain, find_domain
from mailboxes.api_keys import add_api_key
from mailboxes.models import Account
from mailhost.audit.models import Act
from mailhost.protocols.addresses import EmailAddress
from tests.api.asking import Api, read, refusal
from tests.support.hosting import new_account
from tests.webmail.conftest import Statements, admin_pages, operator

__all__ = ["admin_pages", "operator"]

PANEL, MAIL = "/panel/suppressions/", "/mail/suppressions/"


def put(text: str, *, account: Account | None = None, domain: str = "") -> Suppression:
    return suppress(
        address=EmailAddress.parse(text),
        account_id=account.pk if account else None,
        domain=domain,
        reason=f"evidence of {text}",
        by="test",
        now=datetime.now(UTC),
    )


@pytest.fixture
def bob(ours: str) -> Account:
    return new_account("bob", domain=ours)


@pytest.fixture
def eve(theirs: str) -> Account:
    return new_account("eve", domain=theirs)


def left() -> set[str]:
    return set(Suppression.objects.values_list("address", flat=True))


def test_an_account_sees_and_lifts_its_own(client: Client, bob: Account, eve: Account, ours: str) -> None:
    mine, whole, hers = (
        put("a@x.test", account=bob),
        put("b@x.test", domain=ours),
        put("c@x.test", account=eve),
    )
    client.force_login(bob)
    text = client.get(MAIL).content.decode()
    assert "a@x.test" in text
    assert "evidence of a@x.test" in text
    assert "b@x.test" not in text
    assert "c@x.test" not in text
    for row in (mine, whole, hers):
        assert client.post(MAIL, {"lift": row.pk}).status_code == 302
    assert left() == {"b@x.test", "c@x.test"}
    assert Act.objects.filter(verb="suppression lifted", actor=bob.login, subject=bob.login).count() == 1


@pytest.mark.parametrize("number", ["", "x", "-1", "9" * 30, "0", "²"])
def test_what_is_no_entry_is_not_lifted(client: Client, bob: Account, number: str) -> None:
    put("a@x.test", account=bob)
    client.force_login(bob)
    assert client.post(MAIL, {"lift": number}).status_code in {200, 302}
    assert left() == {"a@x.test"}


def test_an_account_puts_an_address_there(client: Client, bob: Account) -> None:
    client.force_login(bob)
    assert client.post(MAIL, {"address": "Zoë@Far.test", "reason": "<b>no</b>"}).status_code == 302
    [row] = Suppression.objects.all()
    assert (row.address, row.account, row.source, row.by) == ("zoë@far.test", bob, "hand", bob.login)
    assert "<b>no</b>" not in client.get(MAIL).content.decode()
    for wrong in ("no address", "postmaster@far.test", ""):
        assert client.post(MAIL, {"address": wrong}).status_code == 422
    assert Suppression.objects.count() == 1


def test_an_administrator_sees_and_lifts_those_of_the_domain(
    pages: Client, bob: Account, eve: Account, ours: str, theirs: str
) -> None:
    rows = [put("a@x.test", account=bob), put("b@x.test", domain=ours)]
    others = [put("c@x.test", account=eve), put("d@x.test", domain=theirs)]
    text = pages.get(PANEL).content.decode()
    assert all(row.address in text for row in rows)
    assert not any(row.address in text for row in others)
    assert "a@x.test" not in pages.get(PANEL + "?q=B@x.test").content.decode()
    for row in (*rows, *others):
        pages.post(PANEL, {"lift": row.pk})
    assert left() == {"c@x.test", "d@x.test"}


def test_an_administrator_puts_an_address_there_for_a_domain(pages: Client, ours: str, theirs: str) -> None:
    assert pages.post(PANEL, {"address": "a@x.test", "domain": ours}).status_code == 302
    assert pages.post(PANEL, {"address": "b@x.test", "domain": theirs}).status_code == 422
    assert left() == {"a@x.test"}


def test_it_is_for_domain_administrators(client: Client, bob: Account) -> None:
    client.force_login(bob)
    assert client.get(PANEL).status_code == 403


def test_many_rows_take_as_many_statements_as_few(
    pages: Client, bob: Account, ours: str, statements: Statements
) -> None:
    put("a@x.test", account=bob)
    with statements() as few:
        pages.get(PANEL)
    for number in range(20):
        put(f"a{number}@x.test", domain=ours)
    with statements() as many:
        pages.get(PANEL)
    assert len(many) == len(few) <= 5


def test_an_administrator_says_who_learns(pages: Client, ours: str, theirs: str) -> None:
    text = pages.get(PANEL).content.decode()
    assert '<option value="several" selected>' in text
    answer = pages.post(PANEL, {"learning": "1", f"learning-{ours}": "domain"})
    assert answer.status_code == 302
    assert '<option value="domain" selected>' in pages.get(PANEL).content.decode()
    assert Act.objects.filter(verb="domain changed", subject=ours).count() == 1
    pages.post(PANEL, {"learning": "1", f"learning-{ours}": "domain", f"learning-{theirs}": "domain"})
    assert find_domain(name=theirs).suppression_learning == "several"
    assert Act.objects.filter(verb="domain changed", subject=ours).count() == 1
    refused = pages.post(PANEL, {"learning": "1", f"learning-{ours}": "nobody"})
    assert refused.status_code == 422


def test_an_operator_says_who_learns(admin_pages: Client, ours: str) -> None:
    where = f"/admin/domains/domain/{find_domain(name=ours).pk}/change/"
    assert admin_pages.post(where, {"is_enabled": "on", "suppression_learning": "domain"}).status_code == 302
    assert find_domain(name=ours).suppression_learning == "domain"
    assert admin_pages.post(where, {"is_enabled": "on"}).status_code == 302
    assert find_domain(name=ours).suppression_learning == "domain"


def test_what_a_domain_has_learned_is_shown_and_lifted(pages: Client, bob: Account, ours: str) -> None:
    now = datetime.now(UTC)
    row = Suppression.objects.create(
        domain=find_domain(name=ours),
        address="gone@x.test",
        source="bounce",
        cause="no-such-user",
        evidence="550 5.1.1 nobody",
        count=2,
        first_at=now,
        last_at=now,
        since=now,
    )
    text = pages.get(PANEL).content.decode()
    assert "gone@x.test" in text
    assert "550 5.1.1 nobody" in text
    assert "2 times" in text
    pages.post(PANEL, {"lift": row.pk})
    assert left() == set()


def test_the_api_says_who_learns(ada: Account, ours: str, theirs: str) -> None:
    hers = Api(add_api_key(name="hers", login=ada.login, by="test"))
    operators = Api(add_api_key(name="robot", by="test"))
    where = f"/domains/{ours}/suppression-learning"
    assert read(hers.get(where)) == {"learning": "several"}
    assert read(hers.put(where, learning="accounts")) == {"learning": "accounts"}
    assert read(operators.get(where.replace(ours, ours.upper()))) == {"learning": "accounts"}
    assert hers.put(where, learning="nobody").status_code == 422
    other = f"/domains/{theirs}/suppression-learning"
    assert refusal(hers.get(other))[0] == refusal(hers.put(other, learning="domain"))[0] == 404
    assert read(operators.put(other, learning="domain")) == {"learning": "domain"}
    add_domain(name=f"alias-{ours}", alias_of=ours, by="test")
    alias = f"/domains/alias-{ours}/suppression-learning"
    assert refusal(operators.put(alias, learning="domain"))[:2] == (409, "domain_alias_invalid")


def test_an_operator_lifts_any(admin_pages: Client, bob: Account) -> None:
    row = put("a@x.test", account=bob)
    where = "/admin/delivery/suppression/"
    assert "a@x.test" in admin_pages.get(where).content.decode()
    assert "a@x.test" not in admin_pages.get(where + "?q=b@x.test").content.decode()
    assert admin_pages.get(f"{where}{row.pk}/change/").status_code == 200
    assert admin_pages.post(f"{where}{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert left() == set()
    assert Act.objects.filter(verb="suppression lifted", actor="root").exists()


def test_the_api_lists_puts_and_lifts(bob: Account, eve: Account, ours: str) -> None:
    operators = Api(add_api_key(name="robot", by="test"))
    made = operators.put(
        "/suppressions/A@x.test", login=bob.login, reason="asked", expires_at="2999-01-01T00:00:00Z"
    )
    assert made.status_code == 200, made.content
    body = read(made)
    assert (body["address"], body["login"], body["domain"]) == ("a@x.test", bob.login, None)
    assert read(operators.put("/suppressions/b@x.test", domain=ours))["domain"] == ours
    put("c@x.test", account=eve)
    listed = read(operators.get("/suppressions?limit=2"))
    assert [item["address"] for item in listed["items"]] == ["c@x.test", "b@x.test"]
    following = read(operators.get(f"/suppressions?limit=2&cursor={listed['next_cursor']}"))
    assert [item["address"] for item in following["items"]] == ["a@x.test"]
    assert len(read(operators.get("/suppressions?address=B@x.test"))["items"]) == 1
    assert operators.delete(f"/suppressions/{body['id']}").status_code == 204
    assert refusal(operators.delete(f"/suppressions/{body['id']}")) == (404, "suppression_not_found", None)
    assert refusal(operators.put("/suppressions/x@x.test")) == (422, "login_required", "login")
    assert refusal(operators.put("/suppressions/nobody", login=bob.login))[:2] == (422, "invalid_address")
    late = operators.put("/suppressions/x@x.test", login=bob.login, expires_at="2001-01-01T00:00:00Z")
    assert refusal(late) == (422, "invalid_suppression", "expires_at")


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59Z"])
def test_an_entry_has_no_end_that_no_page_could_show(
    moment: str, pages: Client, bob: Account, ours: str
) -> None:
    his = Api(add_api_key(name="his", login=bob.login, by="test"))
    refused = his.put("/suppressions/x@x.test", expires_at=moment)
    assert refusal(refused) == (422, "invalid_suppression", "expires_at")
    pages.cookies["timezone"] = "Pacific/Kiritimati"
    assert pages.get(PANEL).status_code == 200
    assert his.get("/suppressions").status_code == 200


def test_a_key_of_an_account_reaches_what_is_its_own(
    ada: Account, bob: Account, eve: Account, ours: str, theirs: str
) -> None:
    hers = Api(add_api_key(name="hers", login=ada.login, by="test"))
    own, of_bob = put("a@x.test", account=ada), put("b@x.test", account=bob)
    of_eve, of_others = put("c@x.test", account=eve), put("d@x.test", domain=theirs)
    listed = read(hers.get("/suppressions"))["items"]
    assert {item["address"] for item in listed} == {"a@x.test", "b@x.test"}
    for row in (of_eve, of_others):
        assert refusal(hers.delete(f"/suppressions/{row.pk}"))[0] == 404
    assert refusal(hers.put("/suppressions/x@x.test", login=eve.login))[0] == 404
    assert refusal(hers.put("/suppressions/x@x.test", domain=theirs))[0] == 404
    assert read(hers.put("/suppressions/x@x.test"))["login"] == ada.login
    assert read(hers.put("/suppressions/y@x.test", domain=ours))["domain"] == ours
    for row in (own, of_bob):
        assert hers.delete(f"/suppressions/{row.pk}").status_code == 204


def test_the_api_tells_of_delivery_problems(ada: Account) -> None:
    hers = Api(add_api_key(name="hers", login=ada.login, by="test"))
    assert read(hers.get("/delivery-problems")) == {"items": [], "complaints": [], "is_cut": False}
