"""The page of DKIM keys: an administrator reads what to publish for her domains, and nothing of others."""

import html

from django.test import Client
from django.utils import timezone

from domains.dkim_keys import activate_key, make_keys, retire_key
from domains.dkim_records import zone_entry
from domains.models import DkimKey, Domain
from mailboxes.administration import withdraw_administrator
from mailboxes.models import Account

NOW = timezone.now()


def keys_of(name: str) -> list[DkimKey]:
    return list(make_keys(domain=Domain.objects.get(name=name), now=NOW, by="test"))


def test_she_reads_the_records_of_her_domain_and_where_they_stand(
    pages: Client, ours: str, theirs: str
) -> None:
    first, second = keys_of(ours)
    other = keys_of(theirs)[0]
    DkimKey.objects.filter(pk=first.pk).update(check_note="There is <no> such record.", checked_at=NOW)
    activate_key(key=second, now=NOW, by="test")
    DkimKey.objects.filter(pk=second.pk).update(seen_at=NOW)
    page = pages.get("/panel/dkim/").content.decode()
    for key in (first, second):
        assert f'value="{key}"' in page
        assert f">\n{html.escape(key.record)}</textarea>" in page
        assert f">\n{html.escape(zone_entry(key))}</textarea>" in page
    assert str(other) not in page
    assert "signs as soon as its record is seen" in page
    assert "There is &lt;no&gt; such record." in page
    assert "signs your mail" in page
    assert "Seen in DNS since" in page
    assert pages.post("/panel/dkim/").status_code == 405


def test_what_is_over_is_not_shown(pages: Client, ours: str) -> None:
    DkimKey.objects.filter(domain__name=ours).delete()
    assert "have no keys" in pages.get("/panel/dkim/").content.decode()
    key = keys_of(ours)[0]
    activate_key(key=key, now=NOW, by="test")
    retire_key(key=key, now=NOW, by="test")
    assert "its record has to stay" in pages.get("/panel/dkim/").content.decode()
    DkimKey.objects.filter(pk=key.pk).update(state="retired")
    assert str(key) not in pages.get("/panel/dkim/").content.decode()


def test_whoever_administers_nothing_is_refused(pages: Client, ada: Account, ours: str) -> None:
    withdraw_administrator(domain=ours, login=ada.login, by="test")
    assert pages.get("/panel/dkim/").status_code == 403
    assert Client().get("/panel/dkim/").headers["Location"].startswith("/?next=")
