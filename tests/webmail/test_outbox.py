"""Undo send and sending later in webmail: what waits is shown, and comes back whole."""

from datetime import datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from delivery.models import QueuedMessage, QueuedRecipient
from delivery.queue.waiting import release_due
from domains.aliases import set_alias
from mailboxes.accounts import change_account
from mailboxes.models import Account, Mailbox
from mailboxes.store.append import append, prepare
from mailboxes.store.hierarchy import find_mailbox
from mailboxes.store.values import NewMessage
from mailhost.protocols.addresses import EmailAddress
from tests.support.hosting import new_account
from tests.webmail.test_compose import TEXT, count, latest, write


@pytest.fixture
def hasty(signed_in: Client, alice: Account) -> Client:
    """Alice, who may undo for half a minute."""
    change_account(account_id=alice.pk, undo_seconds=30, by="test")
    return signed_in


def waiting(account: Account) -> QueuedMessage:
    return QueuedMessage.objects.get(account=account, release_at__isnull=False)


def states(account: Account) -> set[str]:
    return set(QueuedRecipient.objects.filter(message__account=account).values_list("state", flat=True))


def undo(client: Client, message: QueuedMessage, **words: str) -> str:
    answer = client.post(f"/mail/outbox/{message.pk}/take-back/", words, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_what_is_sent_waits_and_every_page_offers_to_undo_it(hasty: Client, alice: Account) -> None:
    bob = new_account("bob")
    write(hasty, to=f"{bob.login}, x@far.test", subject="Too <soon>")
    assert count(bob, "INBOX") == 0
    assert states(alice) == {"waiting"}
    for where in ("/mail/", "/mail/account/", "/mail/new/"):
        page = hasty.get(where, follow=True).content.decode()
        assert "Too &lt;soon&gt;" in page
        assert f'action="/mail/outbox/{waiting(alice).pk}/take-back/"' in page
        assert "in 30 seconds" in page or "in 29 seconds" in page
    assert "Message sent: " in hasty.get("/mail/", follow=True).content.decode()


def test_undoing_brings_it_back_with_all_that_was_in_it(hasty: Client, alice: Account) -> None:
    bob = new_account("bob")
    file = SimpleUploadedFile("plan.txt", b"The plan.", "text/plain")
    write(hasty, to=f"Bob <{bob.login}>", cc="c@far.test", bcc="d@far.test", uploads=file)
    assert latest(alice, "Outbox")["Bcc"] == "d@far.test"  # for who moves it to Drafts by a mail client
    page = undo(hasty, waiting(alice))
    assert "Taken back: nothing of it was sent." in page
    assert f'value="Bob &lt;{bob.login}&gt;"' in page
    for said in (
        'value="c@far.test"',
        'value="d@far.test"',
        'value="Hello"',
        "plan.txt",
        "nothing of this may be lost",
    ):
        assert said in page
    assert (count(alice, "Outbox"), count(alice, "Drafts"), count(bob, "INBOX")) == (0, 1, 0)
    draft = latest(alice, "Drafts")
    assert draft.get_body(("plain",)).get_content().splitlines() == TEXT.splitlines()  # type: ignore[union-attr]
    assert states(alice) == {"cancelled"}
    assert "take-back/" not in hasty.get("/mail/", follow=True).content.decode()


def test_what_was_undone_can_be_sent_again(hasty: Client, alice: Account) -> None:
    bob = new_account("bob")
    write(hasty, to=bob.login)
    answer = hasty.post(f"/mail/outbox/{waiting(alice).pk}/take-back/")
    write(hasty, answer["Location"], to=bob.login, subject="Better")
    assert (count(alice, "Outbox"), count(alice, "Drafts")) == (1, 0)
    assert waiting(alice).content.subject == "Better"
    release_due(now=timezone.now() + timedelta(seconds=31))
    assert (count(alice, "Outbox"), count(alice, "Sent")) == (0, 1)


def test_where_it_is_too_late_the_page_says_so(hasty: Client, alice: Account) -> None:
    write(hasty, to="x@far.test")
    message = waiting(alice)
    release_due(now=timezone.now() + timedelta(seconds=31))
    assert "Too late: the message is on its way already." in undo(hasty, message, next="/mail/account/")
    assert (count(alice, "Sent"), count(alice, "Drafts")) == (1, 0)


def test_nobody_undoes_what_others_send(hasty: Client, alice: Account) -> None:
    write(hasty, to="x@far.test", subject="Secret")
    other = Client()
    other.force_login(new_account("mallory"))
    assert other.post(f"/mail/outbox/{waiting(alice).pk}/take-back/").status_code == 404
    assert "Secret" not in other.get("/mail/outbox/").content.decode()
    assert Client().post(f"/mail/outbox/{waiting(alice).pk}/take-back/").status_code == 302
    assert hasty.get(f"/mail/outbox/{waiting(alice).pk}/take-back/").status_code == 405
    assert waiting(alice)


def outbox(account: Account) -> int:
    return find_mailbox(account_id=account.pk, name="Outbox").mailbox_id


def test_the_outbox_stands_among_the_folders_and_opens_its_page(hasty: Client, alice: Account) -> None:
    assert 'href="/mail/outbox/"' not in hasty.get("/mail/", follow=True).content.decode()
    write(hasty, to="x@far.test", subject="Plans")
    page = hasty.get("/mail/outbox/").content.decode()
    assert page.count('href="/mail/outbox/"') == 1
    assert 'href="/mail/outbox/" aria-current="page"' in page
    assert f'href="/mail/{outbox(alice)}/1/"' in page
    assert "1 message waiting to leave" in page
    news = hasty.get(f"/mail/news/?at={outbox(alice)}").content.decode()
    assert 'href="/mail/outbox/" aria-current="page"' in news
    assert '<span class="count">1<' in news
    release_due(now=timezone.now() + timedelta(seconds=31))
    assert "Nothing waits" in hasty.get("/mail/outbox/").content.decode()


def test_it_is_cancelled_and_kept_among_the_drafts(hasty: Client, alice: Account) -> None:
    write(hasty, to="x@far.test")
    message = waiting(alice)
    answer = hasty.post(f"/mail/outbox/{message.pk}/cancel/", follow=True).content.decode()
    assert "Cancelled: nothing of it was sent. It is among the drafts." in answer
    assert (states(alice), count(alice, "Drafts"), count(alice, "Outbox")) == ({"cancelled"}, 1, 0)
    again = hasty.post(f"/mail/outbox/{message.pk}/cancel/", follow=True).content.decode()
    assert "Too late: the message is on its way already." in again


def test_it_is_sent_now(hasty: Client, alice: Account) -> None:
    write(hasty, to="x@far.test")
    message = waiting(alice)
    answer = hasty.post(f"/mail/outbox/{message.pk}/send-now/", follow=True).content.decode()
    assert "It goes now." in answer
    assert "goes now</time>" in answer
    assert release_due(now=timezone.now()) == 1
    assert (states(alice) - {"captured"}, count(alice, "Sent")) == ({"queued"}, 1)
    again = hasty.post(f"/mail/outbox/{message.pk}/send-now/", follow=True).content.decode()
    assert "Too late: the message is on its way already." in again


@pytest.mark.parametrize("verb", ["cancel", "take-back", "send-now"])
def test_the_buttons_of_others_messages_do_nothing(hasty: Client, alice: Account, verb: str) -> None:
    write(hasty, to="x@far.test")
    other = Client()
    other.force_login(new_account("mallory"))
    assert other.post(f"/mail/outbox/{waiting(alice).pk}/{verb}/").status_code == 404
    assert hasty.get(f"/mail/outbox/{waiting(alice).pk}/{verb}/").status_code == 405
    assert waiting(alice).release_at is not None


def test_its_own_page_and_the_list_say_when_it_goes(hasty: Client, alice: Account) -> None:
    write(hasty, to="x@far.test")
    letter = hasty.get(f"/mail/{outbox(alice)}/1/").content.decode()
    assert "This message has not left." in letter
    assert f'formaction="/mail/outbox/{waiting(alice).pk}/send-now/"' in letter
    assert 'id="mark-1">goes at ' in hasty.get(f"/mail/{outbox(alice)}/").content.decode()


def test_moved_or_deleted_in_the_list_it_is_cancelled(hasty: Client, alice: Account) -> None:
    write(hasty, to="x@far.test")
    hasty.post(f"/mail/{outbox(alice)}/act/", {"act": "delete", "uid": "1"})
    assert count(alice, "Trash") == 1
    assert "Nothing waits" in hasty.get("/mail/outbox/").content.decode()
    release_due(now=timezone.now() + timedelta(seconds=31))
    assert (states(alice), count(alice, "Sent")) == ({"cancelled"}, 0)


def test_what_a_client_has_put_there_is_told_apart(hasty: Client, alice: Account) -> None:
    write(hasty, to="x@far.test", subject="Goes")
    message = NewMessage(prepare(b"To: y@far.test\r\nSubject: Stays\r\n\r\n.\r\n"))
    append(account_id=alice.pk, mailbox_id=outbox(alice), contents=[message], now=timezone.now())
    page = hasty.get("/mail/outbox/").content.decode()
    going, _, resting = page.partition("Not going anywhere")
    assert ("Goes" in going, "Stays" in going) == (True, False)
    assert ("Goes" in resting, "Stays" in resting) == (False, True)
    assert "This message has not left." not in hasty.get(f"/mail/{outbox(alice)}/2/").content.decode()


def test_what_others_send_under_a_shared_address_is_there_without_their_mailbox(
    hasty: Client, alice: Account
) -> None:
    domain = alice.login.partition("@")[2]
    bob = new_account("bob", domain=domain)
    sales = EmailAddress("sales", domain)
    set_alias(address=sales, targets=[EmailAddress.parse(a.login) for a in (alice, bob)], by="test")
    write(hasty, to="x@far.test", subject="Offer", sender=str(sales))
    his = Client()
    his.force_login(bob)
    page = his.get("/mail/outbox/").content.decode()
    assert f"sent by {alice.login}" in page
    assert f"/mail/{outbox(alice)}/" not in page
    assert not Mailbox.objects.filter(account=bob, name="Outbox").exists()
    assert his.get(f"/mail/{outbox(alice)}/1/").status_code == 404
    his.post(f"/mail/outbox/{waiting(alice).pk}/cancel/")
    assert (count(bob, "Drafts"), count(alice, "Outbox")) == (1, 0)


def test_operators_see_what_waits_and_until_when(hasty: Client, alice: Account) -> None:
    write(hasty, to=f"{alice.login}, x@far.test")
    change_account(account_id=alice.pk, is_operator=True, by="test")
    queued = hasty.get("/admin/delivery/queuedmessage/").content.decode()
    assert "2 waiting" in queued
    assert (
        "Release at:"
        in hasty.get(f"/admin/delivery/queuedmessage/{waiting(alice).pk}/change/").content.decode()
    )
    assert "(this host)" in hasty.get("/admin/delivery/destination/").content.decode()


def test_the_time_to_undo_is_chosen_on_the_account_page(signed_in: Client, alice: Account) -> None:
    form = {"form": "undo", "undo_seconds": "10"}
    assert (
        "Your time to undo is changed."
        in signed_in.post("/mail/account/", form, follow=True).content.decode()
    )
    alice.refresh_from_db()
    assert alice.undo_seconds == 10
    for wrong in ("7", "-1", "301", "x", ""):
        assert signed_in.post("/mail/account/", form | {"undo_seconds": wrong}).status_code == 422
    change_account(account_id=alice.pk, undo_seconds=45, by="operator")
    assert (
        '<option value="45" selected>45 seconds</option>' in signed_in.get("/mail/account/").content.decode()
    )


def test_a_message_is_sent_later(signed_in: Client, alice: Account) -> None:
    signed_in.cookies["timezone"] = "Asia%2FTokyo"
    bob = new_account("bob")
    tomorrow = (timezone.now() + timedelta(days=1)).replace(second=0, microsecond=0)
    typed = (tomorrow + timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M")
    answer = signed_in.post(
        "/mail/new/", {"to": bob.login, "text": TEXT, "send": "1", "later": typed}, follow=True
    )
    assert "Until then it waits in the outbox." in answer.content.decode()
    assert waiting(alice).release_at == tomorrow
    page = signed_in.get("/mail/outbox/").content.decode()
    here = tomorrow + timedelta(hours=9)
    assert f"goes on {here.day} {here:%b, %H:%M}</time>" in page
    for act in ("cancel", "take-back", "send-now"):
        assert f'formaction="/mail/outbox/{waiting(alice).pk}/{act}/"' in page
    assert count(bob, "INBOX") == 0


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (timedelta(minutes=-1), "That moment is over."),
        (timedelta(days=31), "Nothing waits here for more than 30 days."),
    ],
)
def test_a_moment_that_cannot_be_kept_is_refused(
    signed_in: Client, alice: Account, later: timedelta, said: str
) -> None:
    moment: datetime = timezone.localtime(timezone.now() + later)
    answer = write(signed_in, to="x@far.test", later=moment.strftime("%Y-%m-%dT%H:%M"))
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not QueuedMessage.objects.filter(account=alice).exists()


def test_sending_later_is_not_offered_where_it_is_switched_off(signed_in: Client, settings: Settings) -> None:
    assert 'name="later"' in signed_in.get("/mail/new/").content.decode()
    settings.FUTURE_RELEASE_MAX_SECONDS = 0
    assert 'name="later"' not in signed_in.get("/mail/new/").content.decode()
