"""What the filters did, in the admin: the trace, verdicts with their reasons, what is held. Each leads to the next."""

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from delivery import trace
from delivery.findings import Finding
from delivery.models import InboundTrace, Quarantined, RecordedVerdict
from delivery.models.trace import Outcome
from delivery.trace import Noted
from mailboxes.models import Account
from mailhost.audit.models import Act
from tests.support.hosting import new_account
from tests.support.judging import come_in, hold
from tests.webmail.conftest import Statements
from tests.webmail.mail import LETTER


def test_the_trace_is_searched_by_whatever_is_known(admin_pages: Client, statements: Statements) -> None:
    noted = [
        Noted(
            timezone.now(),
            "aa",
            f"b{n}",
            f"192.0.2.{n}",
            "",
            "",
            "",
            f"ann{n}@far.test",
            f"bob{n}@here.test",
            "here.test",
            None,
            f"<{n}@far.test>",
            1,
            Outcome.REFUSED,
            "550 5.1.1 No such address",
        )
        for n in range(30)
    ]
    trace.write(noted)
    where = "/admin/delivery/inboundtrace/"
    for text in ("ann7@far.test", "bob7@here.test", "7@far.test", "b7", "192.0.2.7"):
        page = admin_pages.get(where, {"q": text}).content.decode()
        assert "bob7@here.test" in page
        assert "bob8@here.test" not in page
    with statements() as seen:
        assert admin_pages.get(where).status_code == 200
    assert len(seen) <= 8  # session and account; a snapshot with three statements
    assert admin_pages.get(where, {"outcome": int(Outcome.ACCEPTED)}).content.decode().count("here.test") == 0


def traced(account: Account, **words: Any) -> Noted:
    """A line of the trace for mail that came for the account."""
    return replace(
        Noted(
            at=timezone.now(),
            session="5e55",
            trace_id="trace1",
            peer="192.0.2.1",
            helo="mx.far.test",
            tls="TLSv1.3",
            login="",
            reverse_path="bounces@shop.test",
            forward_path=account.login,
            domain=account.login.partition("@")[2],
            account_id=account.pk,
            message_id="<hello@elsewhere.test>",
            size_octets=200,
            outcome=Outcome.ACCEPTED,
            reply="250 2.0.0 Ok: accepted as trace1",
        ),
        **words,
    )


def test_verdicts_are_found_and_read_as_a_table(admin_pages: Client, alice: Account) -> None:
    finding = Finding("spf", "fail", "192.0.2.1 may not <send>.", 2.5)
    come_in(alice, LETTER, finding)
    trace.write([traced(alice)])
    verdict = RecordedVerdict.objects.get(account=alice)
    known = ("bounces@shop.test", "192.0.2.1", "<hello@elsewhere.test>", "5e55")
    for asked in (alice.login, "trace1", str(verdict.content_id), f"#{verdict.pk}", *known):
        found = admin_pages.get("/admin/delivery/recordedverdict/", {"q": asked})
        assert found.context["cl"].result_count == 1, asked
    for asked in ("trace2", str(verdict.content_id + 1), "carol@elsewhere.test"):
        found = admin_pages.get("/admin/delivery/recordedverdict/", {"q": asked})
        assert found.context["cl"].result_count == 0, asked
    page = f"/admin/delivery/recordedverdict/{verdict.pk}/change/"
    text = admin_pages.get(page).content.decode()
    assert "<td>+2.5</td><td>192.0.2.1 may not &lt;send&gt;.<br><small>spf: fail</small></td>" in text
    assert admin_pages.post(page, {"score": "0"}).status_code == 403


def test_a_line_of_the_trace_and_its_verdict_lead_to_each_other(admin_pages: Client, alice: Account) -> None:
    bob = new_account("bob")
    come_in(alice, LETTER, Finding("spf", "fail", "192.0.2.1 may not send.", 2.5))
    come_in(bob, LETTER, Finding("subject", "shouting", "It shouts.", 1))
    trace.write(
        [
            traced(alice),
            traced(bob),
            traced(alice, trace_id="", outcome=Outcome.REFUSED, forward_path="", account_id=None),
            traced(
                alice, trace_id="trace9", account_id=None, forward_path="x@far.test", outcome=Outcome.RELAYED
            ),
        ]
    )
    mine, his, early, relayed = InboundTrace.objects.order_by("pk")
    verdict = RecordedVerdict.objects.get(account=alice)
    verdict_page = f"/admin/delivery/recordedverdict/{verdict.pk}/change/"

    def page(row: InboundTrace) -> str:
        return admin_pages.get(f"/admin/delivery/inboundtrace/{row.pk}/change/").content.decode()

    assert f'href="{verdict_page}"' in page(mine)
    assert "192.0.2.1 may not send." in page(mine)
    assert "It shouts." not in page(mine)
    assert "It shouts." in page(his)
    assert "before there was a message to be judged" in page(early)
    assert "Nothing is kept" in page(relayed)
    back = admin_pages.get(verdict_page).content.decode()
    assert f'href="/admin/delivery/inboundtrace/{mine.pk}/change/"' in back
    assert "250 2.0.0 Ok: accepted as trace1" in back
    assert f"/admin/delivery/inboundtrace/{his.pk}/" not in back


def test_held_messages_are_released_or_discarded_by_an_operator(admin_pages: Client, alice: Account) -> None:
    full = new_account("full")
    held = [hold(alice).pk, hold(alice, LETTER + b"x").pk, hold(full).pk]
    Account.objects.filter(pk=full.pk).update(quota_octets=1)
    page = "/admin/delivery/quarantined/"
    assert "invoice.exe is a program." in admin_pages.get(page).content.decode()
    chosen = {"action": "release", "_selected_action": [held[0], held[2]]}
    text = admin_pages.post(page, chosen, follow=True).content.decode()
    assert "1 released." in text
    assert f"There is no room in {full.login}" in text
    chosen = {"action": "discard", "_selected_action": [held[1]]}
    assert "1 discarded." in admin_pages.post(page, chosen, follow=True).content.decode()
    assert [each.pk for each in Quarantined.objects.all()] == [held[2]]
    done = set(Act.objects.filter(subject=alice.login).values_list("actor", "verb"))
    assert {("root", f"quarantined message {verb}") for verb in ("released", "discarded")} <= done


@pytest.mark.parametrize(
    "model", ["delivery/suppression", "domains/dkimkey", "delivery/queuedmessage", "audit/act"]
)
@pytest.mark.parametrize("name", ["source", "state", "q", "verb"])
def test_no_list_asks_the_database_for_nul(admin_pages: Client, model: str, name: str) -> None:
    answer = admin_pages.get(f"/admin/{model}/?{name}=a%00b", follow=True)
    assert answer.status_code == 200
    assert "\0" not in answer.request["QUERY_STRING"]
