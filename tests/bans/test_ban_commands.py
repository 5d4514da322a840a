"""ban, unban, bans; and the same in the admin."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from mailboxes.accounts import add_operator
from mailhost.audit.models import Act
from mailhost.bans.models import Ban
from tests.support.hosting import PASSWORD

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_a_network_is_banned_shown_and_let_in_again() -> None:
    assert run("ban", "192.0.2.7", "--hours", "2", "--reason", "guesses").startswith(
        "192.0.2.7/32 is banned until "
    )
    assert run("ban", "2001:db8::/48") == "2001:db8::/48 is banned for good.\n"
    first, second = run("bans").splitlines()
    assert first == "2001:db8::/48\tfor good\tcli\tby hand"
    assert second.startswith("192.0.2.7/32\t2")
    assert second.endswith("\tcli\tguesses")
    assert run("unban", "192.0.2.7") == "192.0.2.7 is banned no more.\n"
    assert len(run("bans").splitlines()) == 1


def test_what_cannot_be_is_one_sentence() -> None:
    with pytest.raises(CommandError, match="neither an IP address nor a network"):
        run("ban", "somebody")
    with pytest.raises(CommandError, match="is not banned"):
        run("unban", "192.0.2.7")


def test_an_operator_bans_and_lifts_in_the_admin(client: Client) -> None:
    client.force_login(add_operator(login="root", password=PASSWORD, by="test"))
    form = {"network": "192.0.2.77", "reason": "noise", "hours": "5"}
    assert client.post("/admin/bans/ban/add/", form).status_code == 302
    [row] = Ban.objects.all()
    assert row.network == "192.0.2.77/32"
    assert row.made_by == "root"
    assert "192.0.2.77/32" in client.get("/admin/bans/ban/").content.decode()
    assert client.get(f"/admin/bans/ban/{row.pk}/change/").status_code == 200
    refused = client.post("/admin/bans/ban/add/", form | {"network": "everybody"})
    assert "neither an IP address nor a network" in refused.content.decode()
    assert client.post(f"/admin/bans/ban/{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Ban.objects.exists()
    assert list(Act.objects.filter(subject="192.0.2.77/32").values_list("verb", flat=True)) == [
        "ban lifted",
        "network banned",
    ]
