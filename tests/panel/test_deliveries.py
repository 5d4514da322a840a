"""What came for one's domains: found by whatever is known of it, and never a row of another domain."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from delivery.models.trace import Outcome
from domains.registration import add_domain
from mailboxes.accounts import change_account
from mailboxes.administration import appoint_administrator, withdraw_administrator
from mailboxes.models import Account
from tests.panel.tracing import NOW, noted, write
from tests.support.hosting import new_account
from tests.webmail.conftest import Statements

WHERE = "/panel/deliveries/"
DAY = NOW.date()


def shown(pages: Client, status: int = 200, **asked: Any) -> list[str]:
    answer = pages.get(f"{WHERE}?{urlencode(asked)}")
    assert answer.status_code == status
    return [each.row.forward_path for each in answer.context["rows"]]


@pytest.mark.parametrize(
    "text",
    [
        "from-aa@far.test",
        "TO-AA@{ours}",
        "<id-aa@far.test>",
        "id-aa@far.test",
        "77aceaa",
        "5e55aa",
        "2001:db8::aa",
        "{ours}",
    ],
)
def test_a_message_is_found_by_whatever_is_known_of_it(pages: Client, ours: str, text: str) -> None:
    write(noted(ours, "aa"), noted(f"not-{ours}", "cc"))
    assert shown(pages, q=text.format(ours=ours)) == [f"to-aa@{ours}"]


def test_it_is_found_by_when_it_came_and_what_became_of_it(pages: Client, ours: str) -> None:
    write(
        noted(ours, "aa", at=NOW - timedelta(days=1)),
        noted(ours, "bb", outcome=Outcome.REFUSED, reply="550 5.1.1 No such recipient"),
    )
    old, new = f"to-aa@{ours}", f"to-bb@{ours}"
    assert shown(pages) == [new, old]
    assert shown(pages, first=DAY, last=DAY) == [new]
    assert shown(pages, last=DAY - timedelta(days=1)) == [old]
    assert shown(pages, first="9999-12-31", last="9999-12-31") == []
    assert shown(pages, first="0001-01-01", last=DAY) == [new, old]
    assert shown(pages, outcome=int(Outcome.REFUSED)) == [new]
    assert shown(pages, outcome=int(Outcome.ACCEPTED)) == [old]
    assert "550 5.1.1 No such recipient" in pages.get(WHERE).content.decode()


def test_days_are_the_readers(pages: Client, ours: str) -> None:
    """Ten in the evening of UTC is the next morning in Tokyo."""
    write(noted(ours, "aa", at=NOW.replace(hour=22) - timedelta(days=2)))
    here = DAY - timedelta(days=2)
    assert len(shown(pages, first=here, last=here)) == 1
    pages.cookies["timezone"] = "Asia/Tokyo"
    assert shown(pages, first=here, last=here) == []
    assert len(shown(pages, first=DAY - timedelta(days=1), last=DAY - timedelta(days=1))) == 1
    assert len(shown(pages, first="0001-01-01", last="9999-12-31")) == 1


PARAMETERS: list[dict[str, str]] = [
    {},
    {"q": "from-bb@far.test"},
    {"q": "to-bb@{theirs}"},
    {"q": "<id-bb@far.test>"},
    {"q": "77acebb"},
    {"q": "5e55bb"},
    {"q": "2001:db8::bb"},
    {"q": "{theirs}"},
    {"domain": "{theirs}"},
    {"domain": "{theirs}", "q": "to-bb@{theirs}"},
    {"domain": "{ours}", "q": "{theirs}"},
    {"domain": "not-hosted.test"},
    {"outcome": "0"},
    {"first": "0001-01-01", "last": "9999-12-31"},
    {"domains": "{theirs}", "account_id": "1", "domain__in": "{theirs}"},
    {"q": "' OR 1=1 --"},
    {"q": "%"},
    {"q": "\0"},
    {"domain": "\0"},
    {"outcome": "99"},
    {"first": "yesterday"},
]


@pytest.mark.parametrize("asked", PARAMETERS, ids=str)
def test_no_parameter_leads_to_another_domain(
    pages: Client, ada: Account, ours: str, theirs: str, asked: dict[str, str]
) -> None:
    """Nor to a session that named no recipient, nor to her own mail in a domain that she does not administer."""
    write(
        noted(ours, "aa"),
        noted(theirs, "bb"),
        noted("", "dd", forward_path=""),
        noted(ada.login.partition("@")[2], "ee", account_id=ada.pk),
    )
    asked = {name: value.format(ours=ours, theirs=theirs) for name, value in asked.items()}
    answer = pages.get(f"{WHERE}?{urlencode(asked)}")
    assert answer.status_code in {200, 422}
    assert {each.row.forward_path.partition("@")[2] for each in answer.context["rows"]} <= {ours}
    table = answer.content.decode().partition("</form>\n")[2]
    assert not any(f"Ok {mark}" in table for mark in ("bb", "dd", "ee"))


def test_domain_aliases_are_seen_with_their_domain(pages: Client, ours: str) -> None:
    also = add_domain(name=f"also-{ours}", alias_of=ours, by="test").name
    write(noted(also, "aa"), noted(ours, "bb"))
    assert sorted(shown(pages)) == [f"to-aa@{also}", f"to-bb@{ours}"]
    assert shown(pages, domain=also) == [f"to-aa@{also}"]


def test_the_role_is_lost_at_once(pages: Client, ada: Account, ours: str, theirs: str) -> None:
    appoint_administrator(domain=theirs, login=ada.login, by="test")
    write(noted(ours, "aa"), noted(theirs, "bb"))
    assert len(shown(pages)) == 2
    withdraw_administrator(domain=theirs, login=ada.login, by="test")
    assert shown(pages) == [f"to-aa@{ours}"]
    assert shown(pages, status=422, domain=theirs) == []
    withdraw_administrator(domain=ours, login=ada.login, by="test")
    assert pages.get(WHERE).status_code == 403


def test_it_is_for_domain_administrators(client: Client, ada: Account, ours: str) -> None:
    for path in ("", "deliveries/", "reports/", f"reports/{ours}/"):
        assert client.get(f"/panel/{path}", follow=True).redirect_chain[-1][0].startswith("/?next=/panel/")
    client.force_login(new_account("bob", domain=ours))
    for path in ("deliveries/", "reports/", f"reports/{ours}/"):
        assert client.get(f"/panel/{path}").status_code == 403
    client.force_login(ada)
    assert client.get(WHERE).status_code == 200
    assert client.post(WHERE).status_code == 405
    change_account(account_id=ada.pk, is_enabled=False, by="test")
    assert client.get(WHERE).headers["Location"].startswith("/?next=")


def test_the_account_page_leads_there(pages: Client, client: Client, ours: str) -> None:
    assert f"deliveries and reports of {ours}" in pages.get("/mail/account/").content.decode()
    client.force_login(new_account("bob"))
    assert "/panel/" not in client.get("/mail/account/").content.decode()


def test_many_rows_and_domains_take_as_many_statements_as_few(
    pages: Client, ada: Account, ours: str, theirs: str, statements: Statements
) -> None:
    write(noted(ours, "aa"))
    with statements() as few:
        assert len(shown(pages)) == 1
    appoint_administrator(domain=theirs, login=ada.login, by="test")
    write(*(noted(domain, f"{number:02x}") for number in range(60) for domain in (ours, theirs)))
    with statements() as many:
        assert len(shown(pages)) == 100
    assert ">Older</a>" in pages.get(WHERE).content.decode()
    assert len(many) == len(few) <= 8  # session, account, domains; a snapshot with three statements
