"""What people see of the filters: why a message is here, rules for senders, quarantine, what came for them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from delivery import quarantine, trace
from delivery.acceptance import Acceptance, accept_now
from delivery.findings import Action, Finding
from delivery.models import Quarantined
from delivery.models.trace import Outcome
from mailboxes.accounts import change_account
from mailboxes.models import Account, Lesson, Mailbox, Message
from mailboxes.sender_rules import set_sender_rule
from tests.support.hosting import new_account
from tests.support.judging import come_in, hold

NOW = datetime.now(UTC)
LETTER = b"From: Ann <ann@far.test>\r\nTo: alice\r\nSubject: Cheap watches\r\n\r\nBuy now.\r\n"


def page_of(account: Account, mailbox: str) -> str:

    [message] = Message.objects.filter(mailbox__account=account, mailbox__name=mailbox)
    return reverse("webmail:letter", args=[message.mailbox_id, message.uid])


@pytest.fixture
def junk_mail(alice: Account) -> str:

    come_in(
        alice,
        LETTER,
        Finding("lessons", "junk", "It reads like junk: <b>watches</b>.", 5.5),
        Finding("header", "no-date", "The message has no date.", 1.0),
        Finding("dmarc", "pass", "far.test is authenticated.", -0.5),
    )
    return page_of(alice, "Junk")


def text_of(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_the_page_says_why_the_message_is_where_it_is(signed_in: Client, junk_mail: str) -> None:
    page = text_of(signed_in, junk_mail)
    assert "It was put into Junk." in page
    assert "6 points in all" in page
    assert "It reads like junk: &lt;b&gt;watches&lt;/b&gt;." in page
    assert page.index("It reads like junk") < page.index("has no date") < page.index("is authenticated")
    assert "+5.5" in page
    assert "−0.5" in page


def test_a_message_that_was_never_judged_says_nothing(
    signed_in: Client, alice: Account, deliver: object
) -> None:

    accept_now(Acceptance(LETTER, account_ids=(alice.pk,)), now=NOW)
    assert "Why is this here?" not in text_of(signed_in, page_of(alice, "INBOX"))


def test_a_sender_can_be_let_in_and_the_page_says_what_follows(
    signed_in: Client, alice: Account, junk_mail: str
) -> None:
    answer = signed_in.post(junk_mail + "sender/", {"pattern": "@far.test", "rule": "allow"}, follow=True)
    page = answer.content.decode()
    assert "Mail from @far.test is let in where it is proven to be from there." in page
    assert "The next message like this would go to your inbox" in page
    assert alice.sender_rules.get().is_allowed


def test_a_sender_can_be_refused_and_the_rule_forgotten(
    signed_in: Client, alice: Account, junk_mail: str
) -> None:
    answer = signed_in.post(junk_mail + "sender/", {"pattern": "ann@far.test", "rule": "refuse"}, follow=True)
    assert "The next message like this would be refused" in answer.content.decode()
    page = text_of(signed_in, "/mail/senders/")
    assert "ann@far.test" in page
    answer = signed_in.post("/mail/senders/", {"forget": "ann@far.test"}, follow=True)
    assert "There is no rule for ann@far.test any more." in answer.content.decode()
    assert not alice.sender_rules.exists()


def test_not_junk_is_learned_at_once_and_says_what_becomes_of_the_next_one(
    signed_in: Client, alice: Account, junk_mail: str
) -> None:

    mailbox, uid = junk_mail.strip("/").split("/")[1:]
    answer = signed_in.post(f"/mail/{mailbox}/act/", {"act": "not-junk", "uid": uid}, follow=True)
    page = answer.content.decode()
    assert "1 message moved to Inbox." in page
    # What the account's lessons said when it came is asked anew, and they say nothing yet.
    assert (
        "The next message like this would go to your inbox, because far.test is authenticated. "
        "Points: 6 when it came, 0.5 now; Junk begins at 5."
    ) in page
    assert "so far it knows 0 of junk and 1 of wanted mail" in page
    assert not Lesson.objects.get(scope=alice.pk).is_waiting


def test_many_that_are_called_junk_are_learned_later(
    signed_in: Client, alice: Account, deliver: Callable[..., int]
) -> None:

    uids = [deliver(alice, LETTER.replace(b"now", b"now %d" % number)) for number in range(6)]
    inbox = Mailbox.objects.get(account=alice, name="INBOX").pk
    answer = signed_in.post(f"/mail/{inbox}/act/", {"act": "junk", "uid": uids}, follow=True)
    assert "The filter learns from it in a moment." in answer.content.decode()
    assert Lesson.objects.filter(scope=alice.pk, is_waiting=True).count() == 6


def test_some_that_are_called_junk_are_told_together(
    signed_in: Client, alice: Account, deliver: Callable[..., int]
) -> None:

    set_sender_rule(account_id=alice.pk, pattern="eve@far.test", is_allowed=False, by="test")
    uids = [deliver(alice, LETTER), deliver(alice, LETTER.replace(b"ann@", b"eve@"))]
    inbox = Mailbox.objects.get(account=alice, name="INBOX").pk
    answer = signed_in.post(f"/mail/{inbox}/act/", {"act": "junk", "uid": uids}, follow=True)
    said = "Of the next messages like these, 1 would go to your inbox and 1 would be refused."
    assert said in answer.content.decode()


def test_what_is_no_sender_is_told(signed_in: Client, alice: Account) -> None:
    answer = signed_in.post("/mail/senders/", {"pattern": "nonsense", "rule": "allow"})
    assert answer.status_code == 422
    assert "neither an address nor @domain" in answer.content.decode()
    assert not alice.sender_rules.exists()


def test_what_was_held_can_be_taken_and_teaches_the_filter(signed_in: Client, alice: Account) -> None:

    refused = Finding("sender-rule", "refused", "You refuse it.", 100, Action.QUARANTINE)
    content_id = come_in(alice, LETTER, refused, now=NOW)
    page = text_of(signed_in, "/mail/quarantine/")
    assert "Cheap watches" in page
    assert "You refuse it." in page
    assert 'class="name">Quarantine</span><span class="count">1' in page
    [held] = Quarantined.objects.filter(account=alice)
    answer = signed_in.post("/mail/quarantine/act/", {"release-one": held.pk}, follow=True)
    assert "1 message moved to your inbox." in answer.content.decode()
    [message] = Message.objects.filter(mailbox__account=alice)
    assert (message.content_id, message.mailbox.name, message.internal_date) == (content_id, "INBOX", NOW)
    assert not Lesson.objects.get(scope=alice.pk, content_id=content_id).is_junk
    assert not Quarantined.objects.filter(account=alice).exists()


def test_what_was_held_can_be_let_go(signed_in: Client, alice: Account) -> None:

    hold(alice, LETTER, now=NOW)
    hold(alice, LETTER, now=NOW)
    ids = list(Quarantined.objects.filter(account=alice).values_list("pk", flat=True))
    answer = signed_in.post("/mail/quarantine/act/", {"act": "discard", "id": ids}, follow=True)
    assert "2 messages deleted." in answer.content.decode()
    assert "Nothing is held back" in answer.content.decode()


def test_nobody_takes_what_is_held_for_another(signed_in: Client, alice: Account) -> None:

    bob = new_account("bob")
    hold(bob, LETTER, now=NOW)
    [held] = Quarantined.objects.filter(account=bob)
    for act in ("release-one", "discard-one"):
        signed_in.post("/mail/quarantine/act/", {act: held.pk})
    assert Quarantined.objects.filter(account=bob).exists()


def test_a_full_account_is_told_so_and_loses_nothing(signed_in: Client, alice: Account) -> None:

    hold(alice, LETTER, now=NOW)
    change_account(account_id=alice.pk, quota_octets=1, by="test")
    [held] = Quarantined.objects.filter(account=alice)
    answer = signed_in.post("/mail/quarantine/act/", {"release-one": held.pk}, follow=True)
    assert "There is no room for that in your account." in answer.content.decode()
    assert Quarantined.objects.filter(account=alice).exists()


def test_what_nobody_takes_in_time_is_removed(alice: Account) -> None:

    hold(alice, LETTER, now=NOW)
    assert quarantine.remove_expired(now=NOW + timedelta(days=29)) == 0
    assert quarantine.remove_expired(now=NOW + timedelta(days=31)) == 1


def test_people_see_what_came_for_them_and_for_nobody_else(signed_in: Client, alice: Account) -> None:

    def noted(account_id: int, sender: str) -> trace.Noted:
        return trace.Noted(
            NOW,
            "s",
            "t",
            "192.0.2.1",
            "",
            "",
            "",
            sender,
            alice.login,
            "",
            account_id,
            "",
            1,
            Outcome.JUNK,
            "250 Ok",
        )

    trace.write([noted(alice.pk, "ann@far.test"), noted(alice.pk + 1, "eve@far.test")])
    page = text_of(signed_in, "/mail/deliveries/")
    assert "ann@far.test" in page
    assert "Delivered here, into Junk" in page
    assert "eve@far.test" not in page
    assert "Nothing of that kind" in text_of(signed_in, "/mail/deliveries/?q=eve@far.test")
