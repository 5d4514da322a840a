"""The panel of whoever runs the host and administers no domain: the same of all domains."""

from urllib.parse import quote

import pytest
from django.test import Client

from mailboxes.administration import appoint_administrator
from mailboxes.models import Account
from tests.delivery.test_causes import LISTED, SOON, end, submit
from tests.panel.test_problems import relaying
from tests.panel.test_reports import report
from tests.panel.tracing import noted, write
from tests.support.hosting import new_account

__all__ = ["relaying"]

FOR_ADMINISTRATORS = ("suppressions", "delivery-test", "dkim")
FOR_BOTH = ("queue", "deliveries", "problems", "reports")


@pytest.fixture
def root(db: None) -> Account:
    account = new_account("root")
    Account.objects.filter(pk=account.pk).update(is_operator=True)
    account.refresh_from_db()
    return account


@pytest.fixture
def operator(root: Account) -> Client:
    browser = Client()
    browser.force_login(root)
    return browser


def test_deliveries_of_all_domains_are_found_and_told(operator: Client, ours: str, theirs: str) -> None:
    write(noted(ours, "aa"), noted(theirs, "bb"))
    page = operator.get("/panel/deliveries/")
    assert {each.row.forward_path for each in page.context["rows"]} == {f"to-aa@{ours}", f"to-bb@{theirs}"}
    assert "what came for all domains" in page.content.decode()
    way = operator.get(f"/panel/deliveries/message/?id={quote('<id-bb@far.test>')}")
    assert f"to-bb@{theirs}" in way.content.decode()


def test_problems_are_those_of_all(
    operator: Client, ours: str, theirs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailhost.panel.pages.problems.timezone.now", lambda: SOON)
    submit(new_account("bob", domain=ours), "a@one.test")
    submit(new_account("eve", domain=theirs), "c@three.test")
    end(LISTED)
    text = operator.get("/panel/problems/").content.decode()
    assert "one.test" in text
    assert "three.test" in text


def test_reports_are_those_about_all(
    operator: Client, ours: str, theirs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(theirs, count=30, sessions=70)
    text = operator.get("/panel/reports/").content.decode()
    assert "20 authenticated" in text
    assert ours in text
    assert "There are more domains" not in text
    assert "192.0.2.30" in operator.get(f"/panel/reports/{theirs.upper()}/").content.decode()
    assert operator.get("/panel/reports/nobody.test/").status_code == 404
    monkeypatch.setattr("mailhost.panel.pages.reports.MAX_DOMAINS", 1)
    cut = operator.get("/panel/reports/")
    assert "There are more domains" in cut.content.decode()
    assert len(cut.context["rows"]) == 1


def test_links_are_to_what_there_is(operator: Client, pages: Client) -> None:
    page = operator.get("/panel/queue/").content.decode()
    for name in FOR_BOTH:
        assert f'href="/panel/{name}/"' in page
        assert operator.get(f"/panel/{name}/").status_code == 200
    for name in FOR_ADMINISTRATORS:
        assert f'href="/panel/{name}/"' not in page
        assert operator.get(f"/panel/{name}/").status_code == 403
    hers = pages.get("/panel/queue/").content.decode()
    assert all(f'href="/panel/{name}/"' in hers for name in (*FOR_BOTH, *FOR_ADMINISTRATORS))


def test_each_page_says_of_an_operator_who_administers_one_what_it_is_about(
    operator: Client, root: Account, ours: str, theirs: str
) -> None:
    appoint_administrator(domain=ours, login=root.login, by="test")
    for name in FOR_BOTH:
        assert "<p>All domains</p>" in operator.get(f"/panel/{name}/").content.decode(), name
    for name in FOR_ADMINISTRATORS:
        page = operator.get(f"/panel/{name}/").content.decode()
        assert "<p>1 domain</p>" in page, name
        assert theirs not in page, name
        for link in (*FOR_BOTH, *FOR_ADMINISTRATORS):
            assert f'href="/panel/{link}/"' in page


def test_one_of_the_domains_that_are_shown_can_be_chosen(
    operator: Client, root: Account, ours: str, theirs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    appoint_administrator(domain=ours, login=root.login, by="test")
    write(noted(ours, "aa"), noted(theirs, "bb"))
    page = operator.get("/panel/deliveries/", {"domain": theirs})
    assert [each.row.forward_path for each in page.context["rows"]] == [f"to-bb@{theirs}"]
    assert {ours, theirs} <= {name for name, _ in page.context["form"].fields["domain"].choices}
    assert operator.get("/panel/deliveries/?domain=nobody.test").status_code == 422
    monkeypatch.setattr("mailhost.panel.pages.deliveries.MAX_CHOICES", 1)
    many = operator.get("/panel/deliveries/")
    assert "domain" not in many.context["form"].fields
    assert len(many.context["rows"]) == 2


def test_who_is_no_operator_any_more_sees_nothing(operator: Client, root: Account) -> None:
    Account.objects.filter(pk=root.pk).update(is_operator=False)
    for name in FOR_BOTH:
        assert operator.get(f"/panel/{name}/").status_code == 403
