"""Routes in the admin: made, changed, tried and removed."""

from django.test import Client

from delivery.models import OutboundRoute, RouteChange
from delivery.routes.making import RoutePlan, put_route
from tests.support.queueing import NOON


def test_the_page_makes_changes_and_tries_a_route(admin_pages: Client) -> None:
    listed = admin_pages.get("/admin/delivery/outboundroute/")
    assert b"A route says by which way mail leaves" in listed.content
    form = {
        "name": "news",
        "smarthost": "127.0.0.77",
        "port": "1",
        "tls": "required",
        "login": "us",
        "new_password": " geheim ",
        "sending_domains": "news.test\r\n*.news.test\r\n",
        "recipient_domains": "",
        "sources": "203.0.113.9 out.example.test",
        "ehlo_name": "",
    }
    made = admin_pages.post("/admin/delivery/outboundroute/add/", form)
    assert made.status_code == 302, made.content
    row = OutboundRoute.objects.get(name="news")
    assert row.sending_domains == ["*.news.test", "news.test"]
    assert RouteChange.objects.exists()
    page = admin_pages.get(f"/admin/delivery/outboundroute/{row.pk}/change/").content
    assert b"geheim" not in page
    assert b"news.test" in page
    refused = admin_pages.post(
        f"/admin/delivery/outboundroute/{row.pk}/change/", form | {"tls": "opportunistic"}
    )
    assert b"encryption is to be required" in refused.content
    kept = bytes(row.password)
    changed = admin_pages.post(
        f"/admin/delivery/outboundroute/{row.pk}/change/", form | {"new_password": "", "port": "2"}
    )
    assert changed.status_code == 302, changed.content
    assert (
        b'<td class="field-encryption">required</td>'
        in admin_pages.get("/admin/delivery/outboundroute/").content
    )
    asked = admin_pages.get(f"/admin/delivery/outboundroute/{row.pk}/try/").content
    assert b"Connects to 127.0.0.77, port 2, encrypts and signs in" in asked
    row.refresh_from_db()
    assert (row.port, bytes(row.password)) == (2, kept)
    assert b"203.0.113.9" in admin_pages.get("/admin/delivery/outboundroute/").content
    tried_now = admin_pages.post(f"/admin/delivery/outboundroute/{row.pk}/try/")
    assert b"is not an address of this machine" in tried_now.content
    assert (
        admin_pages.post(f"/admin/delivery/outboundroute/{row.pk}/delete/", {"post": "yes"}).status_code
        == 302
    )
    assert not OutboundRoute.objects.exists()


def test_nobody_else_tries_one(client: Client, db: None) -> None:
    made = put_route(plan=RoutePlan(name="x"), by="op", now=NOON)
    assert client.post(f"/admin/delivery/outboundroute/{made.pk}/try/").status_code == 302
