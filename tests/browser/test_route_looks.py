"""The pages of outbound routes in a browser: listed, changed, refused and tried, on each screen."""

from collections.abc import Iterator

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from delivery.models import OutboundRoute, RouteChange
from delivery.routes.making import RoutePlan, put_route
from mailboxes.accounts import change_account
from mailboxes.models import Account
from tests.browser.screens import complaints_of, look
from tests.browser.signing_in import sign_in
from tests.support.hosting import new_account

SMARTHOST = RoutePlan(
    name="Newsletters by the smarthost",
    smarthost="127.0.0.77",
    port=1,
    tls="required",
    login="newsletters@example.org",
    password="correct horse battery staple",
    sending_domains=("news.example.org", "*.news.example.org"),
)
POOL = RoutePlan(
    name="Big mailer by our own addresses",
    recipient_domains=("big-mailer.example", "*.big-mailer.example"),
    sources=("127.0.0.1 out1.example.org", "203.0.113.9 out2.example.org", "2001:db8::9 out2.example.org"),
)


@pytest.fixture(scope="module")
def routes(web: str) -> Iterator[list[OutboundRoute]]:
    OutboundRoute.objects.all().delete()
    yield [put_route(plan=plan, by="test", now=timezone.now()) for plan in (SMARTHOST, POOL)]
    OutboundRoute.objects.all().delete()
    RouteChange.objects.all().delete()


@pytest.fixture(scope="module")
def operator(web: str) -> Account:
    return change_account(account_id=new_account("root").pk, is_operator=True, by="test")


def test_routes_are_looked_at_refused_and_tried(
    operator: Account, routes: list[OutboundRoute], screen: tuple[str, Page]
) -> None:
    name, page = screen
    complaints = complaints_of(page)
    smarthost, pool = routes
    sign_in(page, operator)
    page.wait_for_url("**/mail/*/")
    page.goto("/admin/delivery/outboundroute/")
    expect(page.get_by_text("127.0.0.77:1")).to_be_visible()
    told = page.get_by_text("A route says by which way").bounding_box()
    button = page.get_by_role("link", name="Add route").last.bounding_box()
    assert told is not None
    assert button is not None
    assert button["y"] + button["height"] <= told["y"] or told["y"] + told["height"] <= button["y"]
    look(page, name, "FINISH-routes")
    page.goto(f"/admin/delivery/outboundroute/{smarthost.pk}/change/")
    look(page, name, "FINISH-route")
    page.get_by_label("Encryption").select_option("opportunistic")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("encryption is to be required")).to_be_visible()
    look(page, name, "FINISH-route-refused")
    page.goto(f"/admin/delivery/outboundroute/{pool.pk}/change/")
    look(page, name, "FINISH-route-pool")
    for route, which in ((smarthost, "smarthost"), (pool, "pool")):
        page.goto(f"/admin/delivery/outboundroute/{route.pk}/change/")
        page.get_by_role("link", name="Try it").click()
        look(page, name, f"FINISH-route-try-{which}")
        page.get_by_role("button", name="Try it").click()
        expect(page.get_by_role("button", name="Try again")).to_be_visible()
        look(page, name, f"FINISH-route-tried-{which}")
    assert complaints == []
