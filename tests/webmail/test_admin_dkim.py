"""DKIM keys in the admin: what to publish, and each verb with its trail."""

import html

import pytest
from django.test import Client

from domains.dkim_keys import make_keys
from domains.dkim_records import zone_entry
from domains.models import DkimKey
from domains.registration import find_domain
from mailhost.audit.models import Act
from tests.support.dns_zone import DnsZone
from tests.support.hosting import new_domain
from tests.support.queueing import NOON

LIST = "/admin/domains/dkimkey/"


def new_keys() -> list[DkimKey]:
    return make_keys(domain=find_domain(name=new_domain()), now=NOON, by="test")


def act(pages: Client, action: str, *keys: DkimKey) -> None:
    form = {"action": action, "_selected_action": [str(key.pk) for key in keys]}
    assert pages.post(LIST, form).status_code == 302
    for key in keys:
        key.refresh_from_db()


def test_the_page_of_a_key_has_the_record_to_copy_and_not_the_key(admin_pages: Client) -> None:
    rsa, ed25519 = new_keys()
    page = html.unescape(admin_pages.get(f"{LIST}{rsa.pk}/change/").content.decode())
    assert f'value="{rsa}"' in page
    assert f">\n{rsa.record}</textarea>" in page
    assert f">\n{zone_entry(rsa)}</textarea>" in page
    assert 'src="/static/mailhost/copy' in page
    assert "not looked for yet" in page
    assert "private" not in page.lower()
    page = html.unescape(admin_pages.get(f"{LIST}{ed25519.pk}/change/").content.decode())
    assert f">\n{ed25519.record}</textarea>" in page
    assert f">\n{zone_entry(ed25519)}</textarea>" in page


def test_the_verbs(admin_pages: Client) -> None:
    rsa, ed25519 = new_keys()
    act(admin_pages, "activate", rsa, ed25519)
    assert (rsa.state, ed25519.state) == ("active", "active")
    act(admin_pages, "rotate", rsa)
    assert rsa.domain.dkim_keys.filter(state="pending").count() == 2
    act(admin_pages, "retire", rsa)
    assert rsa.state == "retiring"
    page = admin_pages.get(LIST + f"?q={rsa.domain.name}").content.decode()
    assert page.count("retiring") >= 1
    verbs = Act.objects.filter(actor="root", subject=rsa.domain.name).values_list("verb", flat=True)
    assert set(verbs) == {"DKIM key activated", "DKIM key made", "DKIM key retiring"}


def test_a_record_is_looked_for_at_once(admin_pages: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    rsa, ed25519 = new_keys()
    dns = DnsZone().say(str(rsa), "TXT", rsa.record.encode())
    monkeypatch.setattr("domains.admin_dkim.configured_resolver", lambda: dns)
    act(admin_pages, "look_now", rsa, ed25519)
    assert (rsa.state, ed25519.state) == ("active", "pending")
    page = admin_pages.get(LIST + f"?q={rsa.domain.name}").content.decode()
    assert "since " in page
    assert f"There is no key at {ed25519}." in page
