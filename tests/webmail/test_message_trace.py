"""The search and a message's way on the pages of webmail, panel and admin: one search, each with its own mail."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils.html import escape
from pytest_django import Settings

from delivery.models import Attempt
from mailboxes.administration import appoint_administrator
from mailboxes.models import Account
from tests.support.hosting import new_account
from tests.support.tracing import FAR, keep_notice, sent_message

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
PLACES = {
    "webmail": "/mail/deliveries/",
    "panel": "/panel/deliveries/",
    "admin": "/admin/delivery/inboundtrace/",
}


@pytest.fixture
def ann(db: None) -> Account:
    """She has sent a message, administers the domain that she writes from, and operates this host."""
    ann = new_account("ann")
    appoint_administrator(domain=ann.login.partition("@")[2], login=ann.login, by="test")
    Account.objects.filter(pk=ann.pk).update(is_operator=True)
    return ann


@pytest.fixture
def pages(client: Client, ann: Account) -> Client:
    client.force_login(Account.objects.get(pk=ann.pk))
    return client


@pytest.mark.parametrize("place", PLACES)
def test_the_whole_way_is_told_in_plain_words(pages: Client, ann: Account, place: str) -> None:
    bob = new_account("bob")
    number = sent_message(ann, here=bob, now=NOW)
    if place == "panel":  # of her domain alone: an operator sees there what the administration shows
        Account.objects.filter(pk=ann.pk).update(is_operator=False)
    answer = pages.get(f"{PLACES[place]}message/", {"id": f"Q{number}"})
    text = " ".join(answer.content.decode().split())
    for words in (
        "Submitted by 192.0.2.44, which calls itself laptop.test</b>, "
        '<span title="TLSv1.3 TLS_AES_256_GCM_SHA384">encrypted (TLSv1.3)</span>',
        f'{FAR}</b>: <span class="became good">taken, to be sent on',
        'put off by mx1.far.test</span> <span class="soft pattern">[198.51.100.7]</span>, '
        '<span title="TLSv1.3 X">encrypted (TLSv1.3)</span>',
        "451 4.7.1 Greylisted, come again",
        'refused by mx2.far.test</span> <span class="soft pattern">[198.51.100.7]</span>, <span>not encrypted</span>',
        "550 5.1.1 No such user",
        f"{ann.login} was told that it did not arrive",
    ):
        assert words in text, words
    says_why = "It promises money for nothing." in text
    assert says_why == (place == "admin")
    assert ("into Junk" in text) == (place == "admin")


@pytest.mark.parametrize("place", PLACES)
def test_what_the_sender_was_told_can_be_read_as_long_as_it_is_kept(
    pages: Client, ann: Account, settings: Settings, place: str
) -> None:
    settings.TRACE_SUBJECTS = False
    number = sent_message(ann, here=new_account("bob"), now=NOW)
    notice = keep_notice(ann, queue_id=number, now=NOW)
    asked = (f"{PLACES[place]}message/", {"id": f"Q{number}"})
    text = pages.get(*asked).content.decode()
    assert "What happened: There is no such address there." in text
    assert f"Final-Recipient: rfc822; {FAR}" in text
    assert ("had the subject: trip" in text) == (place == "webmail")  # to others as far as subjects are kept
    notice.delete()
    text = pages.get(*asked).content.decode()
    assert "What happened" not in text
    assert "The notice itself is no longer kept here." in text


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("dane-ee verified", "encrypted to a verified server (TLSv1.3)"),
        (
            "failed: it is for <another> name",
            "encrypted to a server that could not be verified (TLSv1.3)",
        ),
        ("not checked", "encrypted (TLSv1.3)"),
    ],
)
def test_the_verdict_on_a_certificate_is_told(
    pages: Client, ann: Account, place: str, verdict: str, said: str
) -> None:
    number = sent_message(ann, here=new_account("bob"), now=NOW)
    Attempt.objects.filter(queue_id=number, outcome="deferred").update(certificate=verdict)
    where = f"{PLACES[place]}message/"
    in_full = f'<span title="TLSv1.3 X, certificate: {escape(verdict)}">{said}</span>'
    assert in_full in pages.get(where, {"id": f"Q{number}"}).content.decode()
    assert in_full in pages.get(PLACES[place], {"q": f"Q{number}"}).content.decode()


@pytest.mark.parametrize("place", PLACES)
def test_a_host_that_was_not_spoken_to_is_not_said_to_be_without_encryption(
    pages: Client, ann: Account, place: str
) -> None:
    number = sent_message(ann, here=new_account("bob"), now=NOW)
    Attempt.objects.filter(queue_id=number, outcome="deferred").update(tls="", reply="no answer")
    text = pages.get(f"{PLACES[place]}message/", {"id": f"Q{number}"}).content.decode()
    assert "encrypted" not in text.partition("put off by")[2].partition("no answer")[0]


@pytest.mark.parametrize("place", PLACES)
def test_the_search_leads_to_it(pages: Client, ann: Account, place: str) -> None:
    sent_message(ann, here=new_account("bob"), now=NOW)
    for asked in (
        {"q": FAR},
        {"recipient": FAR, "sender": ann.login, "state": "bounced"},
        {"q": "198.51.100.7", "first": str(NOW.date().replace(day=1))},
    ):
        answer = pages.get(PLACES[place], asked)
        assert answer.status_code == 200
        assert {each.row.forward_path for each in answer.context["rows"]} == {FAR}
        where = f'href="{PLACES[place]}message/?id=%3Ctrip%40here.test%3E"'
        assert where in answer.content.decode()


@pytest.mark.parametrize("place", PLACES)
def test_older_rows_are_a_page_further(pages: Client, ann: Account, place: str) -> None:
    for number in range(25):  # five rows each
        sent_message(ann, here=ann, now=NOW, message_id=f"<{number}@here.test>")
    seen = set()
    where = f"{PLACES[place]}?q={ann.login}"
    lengths = []
    while where:
        answer = pages.get(where)
        rows = [each.row for each in answer.context["rows"]]
        seen |= {(row.source, row.id) for row in rows}
        lengths.append(len(rows))
        following = answer.context["following"]
        where = f"{PLACES[place]}?{following}" if following else ""
        assert len(lengths) < 5
    assert lengths == [100, 25]
    assert len(seen) == 125


@pytest.mark.parametrize("place", ["webmail", "panel"])
def test_another_may_not_know_that_there_is_such_a_message(client: Client, ann: Account, place: str) -> None:
    number = sent_message(ann, here=ann, now=NOW)
    eve = new_account("eve")
    appoint_administrator(domain=eve.login.partition("@")[2], login=eve.login, by="test")
    client.force_login(eve)
    for key in ("<trip@here.test>", f"Q{number}", f"7ace{ann.pk}", "nothing", ""):
        assert client.get(f"{PLACES[place]}message/", {"id": key}).status_code == 404
    assert client.get(PLACES[place], {"q": FAR}).context["rows"] == []
    assert client.get(PLACES["admin"]).status_code == 302
    assert client.get(f"{PLACES['admin']}message/", {"id": f"Q{number}"}).status_code == 302


@pytest.mark.parametrize("place", PLACES)
def test_nonsense_finds_nothing(pages: Client, place: str) -> None:
    assert pages.get(PLACES[place], {"after": "nowhere"}).status_code == 404
    for asked in ({"state": "lost"}, {"first": "yesterday"}, {"q": "x" * 400}, {"outcome": "77"}):
        answer = pages.get(PLACES[place], asked)
        assert answer.status_code == 422
        assert "Nothing was looked for." in answer.content.decode()
    assert pages.post(PLACES[place]).status_code in (403, 405) or place == "admin"


@pytest.mark.parametrize("place", PLACES)
def test_subjects_are_asked_for_where_they_are_kept(pages: Client, settings: Settings, place: str) -> None:
    assert "subject" not in pages.get(PLACES[place]).context["form"].fields
    settings.TRACE_SUBJECTS = True
    assert "subject" in pages.get(PLACES[place]).context["form"].fields


def test_times_are_the_readers(pages: Client, ann: Account) -> None:
    sent_message(ann, here=ann, now=NOW.replace(hour=12, minute=40))
    pages.cookies["timezone"] = "Asia/Tokyo"
    for where in PLACES.values():
        text = pages.get(f"{where}message/", {"id": "<trip@here.test>"}).content.decode()
        assert ", 21:10:" in text


def test_what_is_written_here_is_in_the_trace_from_the_beginning(
    pages: Client, ann: Account, settings: Settings
) -> None:
    settings.TRACE_SUBJECTS = True
    form = {"to": f"{FAR}, {ann.login}", "subject": "Minutes of the Assembly", "text": "Hello", "act": "send"}
    assert pages.post("/mail/new/", form).status_code == 302
    for asked in ({"subject": "assembly"}, {"q": "minutes assembly"}):
        rows = [each.row for each in pages.get(PLACES["webmail"], asked).context["rows"]]
        assert {(row.forward_path, row.state, row.subject) for row in rows} == {
            (FAR, "relayed", "Minutes of the Assembly"),
            (FAR, "captured", "Minutes of the Assembly"),
            (ann.login, "accepted", "Minutes of the Assembly"),
        }
    assert (
        "Written or let go here"
        in pages.get(f"{PLACES['webmail']}message/", {"id": rows[0].message_id}).content.decode()
    )
