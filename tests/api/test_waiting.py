"""/waiting: what has not left is listed, given another time and taken back, by its own account and by operators."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from delivery.acceptance import Acceptance, accept_now
from delivery.models import QueuedMessage, QueuedRecipient
from delivery.queue.waiting import release_due
from mailboxes.administration import appoint_administrator
from mailboxes.api_keys import add_api_key
from mailboxes.models import Account, Message
from mailhost.audit.models import Act
from mailhost.protocols.addresses import EmailAddress
from tests.api.asking import Api, read, refusal
from tests.support.hosting import new_account


@pytest.fixture
def ada(db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Account:
    settings.RELAY = "direct"
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
    return new_account("ada")


@pytest.fixture
def hers(ada: Account) -> Api:
    """A program with a key of hers."""
    return Api(add_api_key(name="hers", login=ada.login, by="test"))


def send(account: Account, subject: str = "Plans", *, minutes: float = 60) -> int:
    now = timezone.now()
    octets = f"From: {account.login}\r\nTo: x@far.test\r\nSubject: {subject}\r\n\r\n.\r\n".encode()
    accepted = accept_now(
        Acceptance(
            octets,
            relay=(EmailAddress("x", "far.test"), EmailAddress("y", "far.test")),
            reverse_path=account.login,
            submitted_by=account.pk,
            save_in_sent=True,
            release_at=now + timedelta(minutes=minutes),
        ),
        now=now,
    )
    assert accepted.queued_message_id is not None
    return accepted.queued_message_id


def held_in(account: Account, mailbox: str) -> int:
    return Message.objects.filter(mailbox__account=account, mailbox__name=mailbox).count()


def test_what_leaves_first_stands_first(hers: Api, api: Api, ada: Account) -> None:
    later, sooner = send(ada, "Later", minutes=90), send(ada, "Sooner")
    send(new_account("bob"), "Not hers")
    items = read(hers.get("/waiting"))["items"]
    assert [(each["id"], each["subject"], each["recipients"]) for each in items] == [
        (sooner, "Sooner", 2),
        (later, "Later", 2),
    ]
    assert items == read(api.get(f"/waiting?login={ada.login}"))["items"]
    assert [each["id"] for each in read(hers.get("/waiting?limit=1"))["items"]] == [sooner]
    assert refusal(api.get("/waiting")) == (422, "login_required", "login")


def test_it_is_taken_back_once(hers: Api, ada: Account) -> None:
    number = send(ada)
    assert hers.delete(f"/waiting/{number}").status_code == 204
    assert (held_in(ada, "Sent"), held_in(ada, "Drafts")) == (0, 1)
    assert set(QueuedRecipient.objects.values_list("state", flat=True)) == {"cancelled"}
    assert refusal(hers.delete(f"/waiting/{number}")) == (409, "too_late", None)
    assert Act.objects.filter(actor="api:hers", verb="message taken back", subject=f"Q{number}").exists()
    assert release_due(now=timezone.now() + timedelta(days=1)) == 0


def test_it_gets_another_time_and_leaves_then(hers: Api, ada: Account) -> None:
    number = send(ada)
    moment = (timezone.now() + timedelta(days=2)).replace(microsecond=0)
    for release_at in (moment, moment - timedelta(days=1)):
        answer = hers.put(f"/waiting/{number}", release_at=release_at.isoformat())
        assert answer.status_code == 200, answer.content
        assert datetime.fromisoformat(read(answer)["release_at"]) == release_at
    message = QueuedMessage.objects.get(pk=number)
    assert message.expires_at > release_at + timedelta(days=1)
    assert release_due(now=release_at - timedelta(seconds=1)) == 0
    assert release_due(now=release_at) == 1
    assert set(QueuedRecipient.objects.values_list("state", flat=True)) == {"queued"}
    assert refusal(hers.put(f"/waiting/{number}", release_at=moment.isoformat())) == (409, "too_late", None)
    assert refusal(hers.delete(f"/waiting/{number}")) == (409, "too_late", None)
    assert held_in(ada, "Sent") == 1


def test_it_leaves_now_and_the_worker_is_told(
    hers: Api,
    ada: Account,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    told: list[str] = []
    monkeypatch.setattr("delivery.queue.waiting.relay_is_due", lambda: told.append("told"))
    number = send(ada)
    assert release_due(now=timezone.now()) == 0
    with django_capture_on_commit_callbacks(execute=True):
        assert hers.post(f"/waiting/{number}/send-now").status_code == 204
    assert told == ["told"]
    assert Act.objects.filter(actor="api:hers", verb="message sent now", subject=f"Q{number}").exists()
    assert release_due(now=timezone.now()) == 1
    assert set(QueuedRecipient.objects.values_list("state", flat=True)) == {"queued"}
    assert held_in(ada, "Sent") == 1
    assert refusal(hers.post(f"/waiting/{number}/send-now")) == (409, "too_late", None)


def test_what_an_operator_is_to_look_at_stays_when_it_is_let_go(hers: Api, ada: Account) -> None:
    number = send(ada)
    QueuedRecipient.objects.filter(message_id=number).update(state="held")
    assert hers.post(f"/waiting/{number}/send-now").status_code == 204
    release_due(now=timezone.now())
    assert set(QueuedRecipient.objects.values_list("state", flat=True)) == {"held"}


@pytest.mark.parametrize("days", [-1, 31])
def test_a_time_that_cannot_be_kept_is_refused(hers: Api, ada: Account, days: int) -> None:
    number = send(ada)
    release_at = datetime.now(UTC) + timedelta(days=days)
    answer = hers.put(f"/waiting/{number}", release_at=release_at.isoformat())
    assert refusal(answer) == (422, "invalid_release_time", "release_at")
    assert refusal(hers.put(f"/waiting/{number}", release_at="tomorrow"))[:2] == (422, "invalid_value")
    assert refusal(hers.put(f"/waiting/{number}", release_at="2030-01-01T00:00:00"))[:2] == (
        422,
        "invalid_value",
    )
    assert release_due(now=timezone.now() + timedelta(hours=1)) == 1


def test_it_waits_no_longer_than_the_time_to_deliver_it_in(hers: Api, ada: Account) -> None:
    """RFC 4865 section 5.2.2: MAIL is refused so, and a later time is as well."""
    number = send(ada)
    now = datetime.now(UTC)
    QueuedMessage.objects.filter(pk=number).update(deliver_by=now + timedelta(hours=3), deliver_by_mode="R")
    refused = hers.put(f"/waiting/{number}", release_at=(now + timedelta(hours=4)).isoformat())
    assert refusal(refused) == (422, "invalid_release_time", "release_at")
    assert QueuedMessage.objects.filter(pk=number, release_at__lt=now + timedelta(hours=3)).exists()
    assert (
        hers.put(f"/waiting/{number}", release_at=(now + timedelta(hours=2)).isoformat()).status_code == 200
    )


def test_nobody_else_sees_or_stops_it(hers: Api, ada: Account) -> None:
    """Neither does who administers the domain: subjects are its people's own."""
    bob = new_account("bob", domain=ada.login.partition("@")[2])
    number = send(bob, "Secret")
    appoint_administrator(domain=bob.login.partition("@")[2], login=ada.login, by="test")
    assert read(hers.get("/waiting"))["items"] == []
    moment = (timezone.now() + timedelta(days=1)).isoformat()
    for answer in (
        hers.delete(f"/waiting/{number}"),
        hers.put(f"/waiting/{number}", release_at=moment),
        hers.post(f"/waiting/{number}/send-now"),
    ):
        assert refusal(answer) == (404, "message_not_found", None)
    for answer in (
        hers.get(f"/waiting?login={bob.login}"),
        hers.delete(f"/waiting/{number}?login={bob.login}"),
        hers.put(f"/waiting/{number}?login={bob.login}", release_at=moment),
        hers.post(f"/waiting/{number}/send-now?login={bob.login}"),
    ):
        assert refusal(answer) == (404, "account_not_found", None)
    assert refusal(hers.delete("/waiting/4711000")) == (404, "message_not_found", None)
    assert QueuedMessage.objects.get(pk=number).release_at is not None
