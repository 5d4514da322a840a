"""The queue page: administrators of domains reach what their domains' accounts sent, operators everything."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from delivery.models import Destination, OutboundRoute, QueuedMessage, QueuedRecipient, QueueOrder
from delivery.queue import orders
from delivery.queue.survey import survey
from delivery.routes.making import RoutePlan, put_route
from mailboxes.administration import withdraw_administrator
from mailboxes.models import Account
from mailhost.audit.models import Act
from tests.support.hosting import new_account
from tests.support.queueing import queue, state
from tests.webmail.conftest import Statements

NOW = timezone.now()
FRAMES = ("/panel/queue/", "/admin/delivery/queuedrecipient/")


@pytest.fixture(autouse=True)
def quiet(settings: Settings, monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    """Mail is to leave, no worker runs, and nobody else has queued anything."""
    settings.RELAY = "direct"
    for name in ("enqueue.relay_is_due", "verbs.relay_is_due", "orders.orders_are_due"):
        monkeypatch.setattr(f"delivery.queue.{name}", lambda: None)
    QueuedMessage.objects.all().delete()
    Destination.objects.all().delete()


@pytest.fixture
def bob(ours: str) -> Account:
    """Sends from her domain."""
    return new_account("bob", domain=ours)


@pytest.fixture
def eve(theirs: str) -> Account:
    """Sends from another one."""
    return new_account("eve", domain=theirs)


@pytest.fixture
def operator(client: Client) -> Client:
    """The browser of one who administers no domain."""
    operator = new_account("root")
    Account.objects.filter(pk=operator.pk).update(is_operator=True)
    operator.refresh_from_db()
    browser = Client()
    browser.force_login(operator)
    return browser


def send(account: Account | None, *forward_paths: str) -> None:
    by = account.login if account else "x@elsewhere.test"
    pk = queue(*forward_paths, reverse_path=by, now=timezone.now())
    QueuedMessage.objects.filter(pk=pk).update(account=account)


def text(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status, answer.content[:500]
    return str(answer.content.decode())


def confirm(browser: Client, where: str, query: str, **fields: str) -> Any:
    """As people do: looks at the preview, and sends its form."""
    seen = browser.get(f"{where}preview/?{query}")
    assert seen.status_code == 200
    return browser.post(f"{where}preview/", {"order": seen.context["sealed"], **fields}, follow=True)


def test_an_administrator_sees_what_her_domain_has_sent_and_nothing_else(
    pages: Client, bob: Account, eve: Account
) -> None:
    send(bob, "carol@far.test")
    send(eve, "dan@far.test")
    send(None, "erin@far.test")
    page = text(pages.get("/panel/queue/"))
    assert "carol@far.test" in page
    assert "dan@far.test" not in page
    assert "erin@far.test" not in page
    assert pages.get("/panel/queue/").context["numbers"].total == 1
    for query in ("?sender=" + eve.login, "?recipient=dan@far.test", "?state=queued&next_hop=far.test"):
        assert "dan@" not in text(pages.get("/panel/queue/" + query)).partition('class="table recip')[2]


def test_an_operator_sees_everything_in_the_panel_and_in_the_administration(
    operator: Client, bob: Account
) -> None:
    send(bob, "carol@far.test")
    send(None, "erin@far.test")
    for where in FRAMES:
        page = text(operator.get(where))
        assert "carol@far.test" in page
        assert "erin@far.test" in page
        assert "Redirect" in page


def test_whoever_administers_nothing_is_refused_at_once(
    pages: Client, client: Client, ada: Account, ours: str, bob: Account
) -> None:
    assert pages.get("/panel/queue/").status_code == 200
    withdraw_administrator(domain=ours, login=ada.login, by="test")
    for page in ("", "numbers/", "preview/?verb=hold", "orders/1/"):
        assert pages.get(f"/panel/queue/{page}").status_code == 403, page
        assert pages.get(f"/admin/delivery/queuedrecipient/{page}").status_code == 302, page
        assert Client().get(f"/panel/queue/{page}").headers["Location"].startswith("/?next=")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "held"}, {"dan"}),
        ({"recipient": "CAROL@far.test"}, {"carol"}),
        ({"domain": "near.test"}, {"erin"}),
        ({"next_hop": "far.test"}, {"carol", "dan"}),
        ({"reply": "greylisted"}, {"carol"}),
        ({"sender": "<>"}, set()),
        ({"age": "o86400"}, {"erin"}),
        ({"age": "u3600"}, {"carol", "dan"}),
        ({"state": "delivered"}, set()),
    ],
)
def test_filters(operator: Client, query: dict[str, str], found: set[str]) -> None:
    send(None, "carol@far.test", "dan@far.test")
    send(None, "erin@near.test")
    QueuedMessage.objects.filter(recipients__forward_path="erin@near.test").update(
        created_at=NOW - timedelta(days=2)
    )
    QueuedRecipient.objects.filter(forward_path="dan@far.test").update(state="held")
    QueuedRecipient.objects.filter(forward_path="carol@far.test").update(
        state="deferred", last_reply="451 4.7.1 Greylisted"
    )
    rows = operator.get("/panel/queue/", query).context["rows"]
    assert {row.forward_path.partition("@")[0] for row in rows} == found


@pytest.mark.parametrize("where", FRAMES)
def test_what_an_alias_leads_to_is_found_by_the_alias_and_shows_it(operator: Client, where: str) -> None:
    send(None, "carol@far.test", "dan@far.test", "erin@near.test")
    QueuedRecipient.objects.exclude(forward_path="dan@far.test").update(original_path="Team@here.test")
    found = operator.get(where, {"recipient": "team@here.test"})
    assert {row.forward_path for row in found.context["rows"]} == {"carol@far.test", "erin@near.test"}
    page = text(found).partition('class="table recip')[2]
    assert page.count("reached by Team@here.test") == 2
    assert text(operator.get(where)).count("reached by") == 2
    seen = text(operator.get(f"{where}preview/?verb=hold&recipient=team@here.test&domain=far.test"))
    assert seen.count("reached by Team@here.test") == 1
    confirm(operator, where, "verb=hold&recipient=team@here.test&domain=far.test")
    assert state("carol@far.test") == "held"
    assert state("dan@far.test") == state("erin@near.test") == "queued"


def test_a_message_is_found_by_the_alias_that_it_was_written_to(operator: Client) -> None:
    send(None, "carol@far.test")
    send(None, "dan@far.test")
    QueuedRecipient.objects.filter(forward_path="carol@far.test").update(
        original_path="team@here.test", state="delivered"
    )
    listed = operator.get("/admin/delivery/queuedmessage/", {"q": "TEAM@here.test"})
    assert len(listed.context["cl"].result_list) == 1
    shown = text(
        operator.get(f"/admin/delivery/queuedmessage/{listed.context['cl'].result_list[0].pk}/change/")
    )
    assert "carol@far.test" in shown
    assert "team@here.test" in shown


def test_a_filter_that_makes_no_sense_finds_nothing_and_says_so(operator: Client) -> None:
    send(None, "carol@far.test")
    page = text(operator.get("/panel/queue/?state=flying"), 422)
    assert "carol@far.test" not in page
    assert operator.get("/panel/queue/preview/?state=flying&verb=hold").status_code == 404
    assert operator.get("/panel/queue/preview/?verb=explode").status_code == 404


def test_older_ones_are_a_page_further(operator: Client) -> None:
    send(None, *(f"r{number}@far.test" for number in range(70)))
    first = operator.get("/panel/queue/?domain=far.test")
    assert len(first.context["rows"]) == 50
    second = operator.get(f"/panel/queue/?domain=far.test&before={first.context['next_before']}")
    assert len(second.context["rows"]) == 20
    both = [*first.context["rows"], *second.context["rows"]]
    assert len({row.pk for row in both}) == 70
    assert second.context["next_before"] is None


@pytest.mark.parametrize("where", FRAMES)
def test_a_verb_is_seen_first_and_then_done(operator: Client, where: str) -> None:
    send(None, "carol@far.test", "dan@near.test")
    query = urlencode({"verb": "hold", "domain": "far.test"})
    seen = operator.get(f"{where}preview/?{query}")
    assert "Hold 1 recipient?" in text(seen)
    assert state("carol@far.test") == "queued"
    done = confirm(operator, where, query)
    assert "<b>1</b> held of 1" in text(done)
    assert (state("carol@far.test"), state("dan@near.test")) == ("held", "queued")
    assert Act.objects.get(verb="queue hold").details["count"] == 1


def test_only_what_is_ticked_is_meant(operator: Client) -> None:
    send(None, "carol@far.test", "dan@far.test")
    carol = QueuedRecipient.objects.get(forward_path="carol@far.test").pk
    confirm(operator, "/panel/queue/", f"verb=cancel&pick={carol}")
    assert (state("carol@far.test"), state("dan@far.test")) == ("cancelled", "queued")


def test_everything_has_to_be_said(operator: Client) -> None:
    send(None, "carol@far.test")
    assert confirm(operator, "/panel/queue/", "verb=cancel").status_code == 422
    assert state("carol@far.test") == "queued"
    confirm(operator, "/panel/queue/", "verb=cancel", everything="on")
    assert state("carol@far.test") == "cancelled"


def test_verbs_take_what_they_need(operator: Client) -> None:
    send(None, "carol@far.test")
    where = "/panel/queue/"
    assert confirm(operator, where, "verb=redirect&domain=far.test", to="-").status_code == 422
    confirm(operator, where, "verb=redirect&domain=far.test", to="Other.test")
    row = QueuedRecipient.objects.select_related("destination").get()
    assert (row.destination.name, row.redirected_from) == ("other.test", "far.test")
    confirm(operator, where, "verb=defer&domain=far.test", hours="4")
    row.refresh_from_db()
    assert row.next_attempt_at > NOW + timedelta(hours=3, minutes=59)
    confirm(operator, where, "verb=bounce&domain=far.test", reply="Not from here")
    row.refresh_from_db()
    assert (row.state, row.last_reply) == ("bounced", "Not from here")


def test_what_was_seen_by_another_does_no_more_than_ones_own(
    operator: Client, pages: Client, bob: Account, eve: Account
) -> None:
    send(bob, "carol@far.test")
    send(eve, "dan@far.test")
    redirect = operator.get("/panel/queue/preview/?verb=redirect&next_hop=far.test").context["sealed"]
    assert pages.post("/panel/queue/preview/", {"order": redirect, "to": "x.test"}).status_code == 404
    hold = operator.get("/panel/queue/preview/?verb=hold&next_hop=far.test").context["sealed"]
    pages.post("/panel/queue/preview/", {"order": hold})
    assert (state("carol@far.test"), state("dan@far.test")) == ("held", "queued")
    pages.post("/panel/queue/preview/", {"order": hold + "x"})
    assert QueueOrder.objects.count() == 1


def test_an_administrator_releases_what_administrators_hold(
    operator: Client, pages: Client, bob: Account
) -> None:
    send(bob, "carol@far.test", "dan@far.test")
    confirm(pages, "/panel/queue/", "verb=hold&next_hop=far.test")
    confirm(operator, "/panel/queue/", "verb=hold&recipient=dan@far.test")
    confirm(pages, "/panel/queue/", "verb=release&next_hop=far.test")
    assert (state("carol@far.test"), state("dan@far.test")) == ("queued", "held")


def test_many_are_done_by_a_worker_and_the_page_says_how_far(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "AT_ONCE", 2)
    monkeypatch.setattr("delivery.queue.verbs.BATCH", 2)
    send(None, *(f"r{number}@far.test" for number in range(5)))
    answer = confirm(operator, "/panel/queue/", "verb=hold&next_hop=far.test")
    order = QueueOrder.objects.get()
    assert "A worker begins with it soon" in text(answer)
    assert orders.go_on(order.pk, now=NOW)
    here = f"/panel/queue/orders/{order.pk}/"
    part = text(operator.get(here, headers={"HX-Request": "true"}))
    assert "<b>2</b> held of 5" in part
    assert 'value="40"' in part
    assert "<html" not in part
    assert not orders.carry_out(clock=timezone.now)
    assert "<b>5</b> held of 5. Done." in text(operator.get(here))
    assert "5 changed" in text(operator.get("/panel/queue/"))


def test_an_order_is_stopped_by_whoever_may_see_it(
    operator: Client, pages: Client, bob: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "AT_ONCE", 0)
    send(bob, "carol@far.test")
    confirm(operator, "/panel/queue/", "verb=hold&next_hop=far.test")
    order = QueueOrder.objects.get()
    assert pages.get(f"/panel/queue/orders/{order.pk}/").status_code == 404
    assert pages.post(f"/panel/queue/orders/{order.pk}/stop/").status_code == 404
    stopped = operator.post(f"/panel/queue/orders/{order.pk}/stop/", follow=True)
    assert "Stopped" in text(stopped)
    assert not orders.carry_out(clock=timezone.now)
    assert state("carol@far.test") == "queued"


def test_numbers_are_those_of_the_last_count(operator: Client, pages: Client, bob: Account) -> None:
    send(bob, "carol@far.test")
    send(None, "dan@far.test", "erin@near.test")
    Destination.objects.filter(name="far.test").update(failures=2, last_reply="Connection refused")
    survey(now=timezone.now(), is_urgent=True)
    numbers = operator.get("/panel/queue/numbers/").context["numbers"]
    assert (numbers.total, dict(numbers.states)["queued"]) == (3, 3)
    assert [(hop.name, hop.count, hop.reply) for hop in numbers.hops] == [
        ("far.test", 2, "Connection refused"),
        ("near.test", 1, ""),
    ]
    told = text(operator.get("/panel/queue/numbers/"))
    assert "failed 2 times" in told
    assert "unreachable" not in told  # it may have answered, and taken nothing
    hers = pages.get("/panel/queue/numbers/").context["numbers"]
    assert [(hop.name, hop.count) for hop in hers.hops] == [("far.test", 1)]


def test_a_page_takes_as_many_statements_for_many_as_for_one(
    operator: Client, pages: Client, bob: Account, statements: Statements
) -> None:
    send(bob, "first@far.test")
    survey(now=timezone.now(), is_urgent=True)
    for browser in (operator, pages):
        with statements() as few:
            browser.get("/panel/queue/")
        for number in range(12):
            send(bob, f"r{number}@d{number}.test", f"s{number}@d{number}.test")
        survey(now=timezone.now(), is_urgent=True)
        with statements() as many:
            browser.get("/panel/queue/")
        assert len(many) == len(few) <= 14


def test_an_empty_queue_says_so(operator: Client) -> None:
    for where in FRAMES:
        assert "Nothing waits" in text(operator.get(where))
        assert "Nothing is found" in text(operator.get(where + "?state=held"))


@pytest.mark.parametrize("where", FRAMES)
def test_where_nothing_may_leave_nothing_is_said_to_have_left(
    operator: Client, bob: Account, settings: Settings, where: str
) -> None:
    settings.RELAY = "capture"
    send(bob, "kept@far.test")
    page = text(operator.get(where))
    assert "All mail has left" not in page
    assert "let nothing leave" in page
    assert 'href="?state=captured"' in page
    assert "kept@far.test" in text(operator.get(where, {"state": "captured"}))


def test_hostile_texts_stay_texts(operator: Client) -> None:
    send(None, "carol@far.test")
    QueuedRecipient.objects.update(state="deferred", attempts=1, last_reply="450 <script>alert(1)</script>")
    Destination.objects.update(failures=1, last_reply="<img src=x>")
    survey(now=timezone.now(), is_urgent=True)
    page = text(operator.get("/panel/queue/?reply=%3Cimg"))
    assert "<img src=x>" not in page
    assert "<script>alert" not in page


def test_the_panel_opens_with_what_one_may_see(pages: Client, operator: Client) -> None:
    assert pages.get("/panel/").headers["Location"] == "/panel/deliveries/"
    assert operator.get("/panel/").headers["Location"] == "/panel/queue/"
    assert operator.get("/panel/", follow=True).status_code == 200


def test_two_rows_of_one_domain_are_told_apart_by_their_routes_and_lead_to_their_messages_way(
    pages: Client, operator: Client, bob: Account, ours: str
) -> None:
    put_route(plan=RoutePlan(name="news", sending_domains=(ours,)), by="test", now=NOW)
    send(bob, "carol@far.test")
    send(None, "erin@far.test")
    survey(now=timezone.now(), is_urgent=True)
    for browser, where, hops in ((operator, FRAMES[0], 2), (operator, FRAMES[1], 2), (pages, FRAMES[0], 1)):
        page = text(browser.get(where))
        first, *others = page.partition('class="table recip')[2].split('<td class="who">')[1:][::-1]
        assert "far.test by the route news" in first
        assert ["by the route" in row for row in others] == [False] * (hops - 1)
        top = page.partition('class="table recip')[0]
        assert top.count('next_hop=far.test"') == hops
        assert top.count("by the route news") == 1
        link = first.partition('<a class="whole" href="')[2].partition('"')[0]
        way = text(browser.get(link))
        assert "carol@far.test" in way
        assert "erin@far.test" not in way
    seen = text(operator.get(f"{FRAMES[0]}preview/?verb=hold&next_hop=far.test"))
    assert seen.count("far.test by the route news") == 1
    assert 'far.test <span class="soft">by the route news</span></span> <b>1</b>' in seen
    listed = text(operator.get("/admin/delivery/destination/?q=far.test"))
    assert '<td class="field-route">news</td>' in listed
    # An unknown route is one that has just gone: what waits for it is being moved.
    OutboundRoute.objects.all().delete()
    assert "by the route" not in text(operator.get(FRAMES[0]))
