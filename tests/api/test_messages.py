"""/messages: a program sends as an account does, once, now or later."""

import base64
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from django.utils import timezone
from pytest_django import Settings

from delivery.models import HandedInOnce, InboundTrace, KnownRecipient, QueuedMessage, QueuedRecipient
from delivery.queue.waiting import release_due
from delivery.submission.once import forget_keys
from delivery.submission.setting_limits import set_limits
from domains.aliases import set_alias
from mailboxes.accounts import change_account
from mailboxes.api_keys import add_api_key
from mailboxes.models import Account, Content, Message
from mailhost.protocols.addresses import EmailAddress
from tests.api.asking import Api, read, refusal
from tests.support.hosting import new_account

MANY = [{"address": f"{number}@far.test"} for number in range(500)]
CONTENT = "attachments.0.content"
FAR = {"address": "x@far.test", "name": "Xaver Müller"}


@pytest.fixture
def ada(db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Account:
    settings.RELAY = "direct"
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
    account = new_account("ada")
    change_account(account_id=account.pk, display_name="Ada L.", by="test")
    return Account.objects.get(pk=account.pk)


@pytest.fixture
def hers(ada: Account) -> Api:
    """A program with a key of hers."""
    return Api(add_api_key(name="hers", login=ada.login, by="test"))


def held_in(account: Account, mailbox: str) -> list[EmailMessage]:
    rows = Message.objects.filter(mailbox__account=account, mailbox__name=mailbox).order_by("uid")
    contents = [bytes(Content.objects.get(pk=row.content_id).octets) for row in rows]
    return [message_from_bytes(each, policy=default) for each in contents]


def raw(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_a_message_goes_here_and_elsewhere_and_into_sent(hers: Api, ada: Account) -> None:
    bob = new_account("bob")
    answer = hers.post(
        "/messages",
        to=[{"address": bob.login, "name": "Bob"}],
        cc=[FAR],
        bcc=[{"address": "secret@far.test"}],
        subject="Grüße",
        text="Hello.\n",
        html="<p>Hello.</p>",
        attachments=[
            {
                "filename": "plan.txt",
                "content_type": "text/plain",
                "content": base64.b64encode(b"The plan.").decode(),
            }
        ],
    )
    assert answer.status_code == 201, answer.content
    told = read(answer)
    [sent], [received] = held_in(ada, "Sent"), held_in(bob, "INBOX")
    assert sent.as_bytes() == received.as_bytes()
    assert (sent["From"], sent["Subject"], sent["Message-ID"], sent["Bcc"]) == (
        f'"Ada L." <{ada.login}>', "Grüße", told["message_id"], None,
    )  # fmt: skip
    assert sent["Cc"] == "Xaver Müller <x@far.test>"
    assert [part.get_content_type() for part in sent.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/plain",
    ]  # fmt: skip
    assert sent.get_body(("html",)).get_content().strip() == "<p>Hello.</p>"  # type: ignore[union-attr]
    queued = QueuedRecipient.objects.filter(message_id=told["id"])
    assert set(queued.values_list("forward_path", "state")) == {
        ("x@far.test", "queued"), ("secret@far.test", "queued"),
    }  # fmt: skip
    assert (told["release_at"], told["is_held"]) == (None, False)
    assert KnownRecipient.objects.filter(account=ada).count() == 3
    assert InboundTrace.objects.filter(account_id=bob.pk, message_id=told["message_id"]).count() == 1
    status = read(hers.get(f"/delivery-status?message_id={told['message_id'].strip('<>')}"))
    assert status["counts"] == {"queued": 2, "delivered": 1}


def test_what_is_delivered_here_alone_is_in_no_queue(hers: Api, ada: Account) -> None:
    answer = hers.post("/messages", to=[{"address": ada.login}], html="<p>To myself</p>")
    assert read(answer)["id"] is None
    assert held_in(ada, "INBOX")[0].get_content_type() == "text/html"
    assert held_in(ada, "INBOX")[0]["To"] == ada.login


def test_later_it_stands_in_the_outbox_and_can_be_changed_and_cancelled(hers: Api, ada: Account) -> None:
    release_at = (timezone.now() + timedelta(hours=2)).replace(microsecond=0)
    answer = hers.post("/messages", to=[FAR], subject="Later", text="x", release_at=release_at.isoformat())
    assert answer.status_code == 201, answer.content
    number = read(answer)["id"]
    assert datetime.fromisoformat(read(answer)["release_at"]) == release_at
    assert (len(held_in(ada, "Outbox")), len(held_in(ada, "Sent"))) == (1, 0)
    assert [each["id"] for each in read(hers.get("/waiting"))["items"]] == [number]
    sooner = (release_at - timedelta(hours=1)).isoformat()
    assert hers.put(f"/waiting/{number}", release_at=sooner).status_code == 200
    assert hers.delete(f"/waiting/{number}").status_code == 204
    assert (len(held_in(ada, "Outbox")), len(held_in(ada, "Drafts"))) == (0, 1)


def test_the_accounts_time_to_undo_holds_here_too(hers: Api, ada: Account) -> None:
    change_account(account_id=ada.pk, undo_seconds=30, by="test")
    told = read(hers.post("/messages", to=[FAR], text="x"))
    assert told["release_at"] is not None
    assert release_due(now=timezone.now() + timedelta(seconds=31)) == 1
    assert len(held_in(ada, "Sent")) == 1


def test_a_whole_message_goes_to_whom_the_request_names(hers: Api, ada: Account) -> None:
    text = (
        f"Return-Path: <evil@x.test>\nFrom: Ada <{ada.login}>\nTo: list@far.test\nBcc: hidden@far.test\n"
        "Subject: Raw\n\nGrüße\n"
    )
    answer = hers.post("/messages", raw=raw(text), recipients=["x@far.test"])
    assert answer.status_code == 201, answer.content
    [sent] = held_in(ada, "Sent")
    assert (sent["Subject"], sent["Bcc"], sent["Return-Path"]) == ("Raw", None, None)
    assert sent["Message-ID"] == read(answer)["message_id"]
    assert sent["Date"]
    row = QueuedMessage.objects.get()
    assert (row.reverse_path, row.body, row.message_id_field) == (ada.login, "8BITMIME", sent["Message-ID"])
    assert QueuedRecipient.objects.get().forward_path == "x@far.test"


def test_its_own_message_id_is_kept(hers: Api, ada: Account) -> None:
    text = f"Message-ID: <1@hers.test>\r\nFrom: {ada.login}\r\n\r\nx\r\n"
    assert (
        read(hers.post("/messages", raw=raw(text), recipients=["x@far.test"]))["message_id"]
        == "<1@hers.test>"
    )


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("Subject: nobody's\r\n\r\nx\r\n", (422, "invalid_message", "raw")),
        ("From: {ada}\r\nFrom: {ada}\r\n\r\nx\r\n", (422, "invalid_message", "raw")),
        ("From: mallory@far.test\r\n\r\nx\r\n", (403, "sender_refused", "from")),
        ("From: {ada}\r\nSender: ceo@far.test\r\n\r\nx\r\n", (403, "sender_refused", "from")),
        ("From: {ada}, ceo@far.test\r\n\r\nx\r\n", (403, "sender_refused", "from")),
        ("From: {ada}\r\nMessage-ID: none\r\n\r\nx\r\n", (422, "invalid_message", "raw")),
        ("From: {ada}\r\nno field\r\n\r\nx\r\n", (422, "invalid_message", "raw")),
        ("From: {ada}\r\n\r\nx\ry\r\n", (422, "invalid_message", "raw")),
        ("From: {ada}\r\n\r\nx\0y\r\n", (422, "invalid_message", "raw")),
        ("From: {ada}\r\n\r\n" + 1_001 * "x", (422, "invalid_message", "raw")),
        ("", (422, "invalid_message", "raw")),
    ],
)
def test_a_whole_message_that_cannot_be_sent_so(
    hers: Api, ada: Account, settings: Settings, text: str, refused: tuple[int, str, str]
) -> None:
    settings.SMTP_MAX_LINE_OCTETS = 998
    answer = hers.post("/messages", raw=raw(text.format(ada=ada.login)), recipients=["x@far.test"])
    assert refusal(answer) == refused
    assert not QueuedMessage.objects.exists()
    assert not held_in(ada, "Sent")


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({}, (422, "no_recipients", None)),
        ({"to": [{"address": "nobody"}]}, (422, "invalid_address", "to")),
        ({"to": [FAR], "bcc": [{"address": "a b@far.test"}]}, (422, "invalid_address", "bcc")),
        ({"to": [FAR], "from_": {"address": "ceo@far.test"}}, (403, "sender_refused", "from")),
        ({"to": [FAR], "recipients": ["y@far.test"]}, (422, "invalid_message", "recipients")),
        ({"raw": raw("From: {ada}\r\n\r\nx"), "subject": "x"}, (422, "invalid_message", "subject")),
        ({"raw": raw("From: {ada}\r\n\r\nx"), "from_": FAR}, (422, "invalid_message", "from")),
        ({"to": [FAR], "release_at": "2001-01-01T00:00:00Z"}, (422, "invalid_release_time", "release_at")),
        ({"to": [FAR], "release_at": "2099-01-01T00:00:00Z"}, (422, "invalid_release_time", "release_at")),
        ({"to": [FAR], "priority": 1}, (422, "invalid_value", "priority")),
        ({"to": 501 * [FAR]}, (422, "invalid_value", "to")),
        ({"to": [FAR], "cc": MANY}, (422, "too_many_recipients", None)),
        ({"to": [FAR], "attachments": [{"filename": "x", "content": "!"}]}, (422, "invalid_value", CONTENT)),
        ({"to": [FAR], "attachments": [{"filename": "x", "content": 7}]}, (422, "invalid_value", CONTENT)),
        ({"to": [{"address": "x@far.test", "name": "a\r\nBcc: b"}]}, (422, "invalid_value", "to.0.name")),
    ],
)  # fmt: skip
def test_what_cannot_be_sent(
    hers: Api, ada: Account, fields: dict[str, object], refused: tuple[int, str, str | None]
) -> None:
    assert refusal(hers.post("/messages", None, **fields)) == refused
    assert not QueuedMessage.objects.exists()
    assert not held_in(ada, "Sent")


def test_an_address_here_that_is_none_is_named(hers: Api, ada: Account) -> None:
    nobody = f"nobody@{ada.login.partition('@')[2]}"
    answer = hers.post("/messages", to=[{"address": nobody}, FAR], text="x")
    assert refusal(answer) == (422, "recipients_refused", None)
    assert nobody in read(answer)["error"]["message"]
    assert not QueuedMessage.objects.exists()


def test_an_alias_can_be_written_as(hers: Api, ada: Account) -> None:
    sales = EmailAddress("sales", ada.login.partition("@")[2])
    set_alias(address=sales, targets=[EmailAddress.parse(ada.login)], by="test")
    assert hers.post("/messages", from_={"address": str(sales), "name": "Sales"}, to=[FAR]).status_code == 201
    assert QueuedMessage.objects.get().reverse_path == str(sales)


def test_a_limit_says_when_there_is_room_again(hers: Api, ada: Account) -> None:
    set_limits(account_id=ada.pk, limits={"messages_per_hour": 1}, by="test")
    assert hers.post("/messages", to=[FAR]).status_code == 201
    answer = hers.post("/messages", to=[FAR])
    assert refusal(answer) == (429, "sending_limit_reached", None)
    assert 1 <= int(answer["Retry-After"]) <= 3_600


def test_a_full_mailbox_and_too_much_that_waits(hers: Api, ada: Account, settings: Settings) -> None:
    settings.WAITING_OCTETS_PER_ACCOUNT = 0
    later = (timezone.now() + timedelta(hours=1)).isoformat()
    assert refusal(hers.post("/messages", to=[FAR], release_at=later)) == (
        409,
        "too_much_waits",
        "release_at",
    )
    change_account(account_id=ada.pk, quota_octets=10, by="test")
    assert refusal(hers.post("/messages", to=[FAR])) == (409, "quota_exceeded", None)


def test_an_operator_sends_for_an_account_that_it_names_and_others_do_not(
    hers: Api, api: Api, ada: Account
) -> None:
    assert api.post(f"/messages?login={ada.login}", to=[FAR]).status_code == 201
    assert QueuedMessage.objects.get().account_id == ada.pk
    assert refusal(api.post("/messages", to=[FAR])) == (422, "login_required", "login")
    bob = new_account("bob")
    assert refusal(hers.post(f"/messages?login={bob.login}", to=[FAR])) == (404, "account_not_found", None)
    assert Api("").post("/messages", to=[FAR]).status_code == 401
    change_account(account_id=ada.pk, is_enabled=False, by="test")
    assert hers.post("/messages", to=[FAR]).status_code == 401
    assert refusal(api.post(f"/messages?login={ada.login}", to=[FAR])) == (403, "sender_refused", "from")


# Once


KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


def test_with_the_same_key_it_is_sent_once_and_told_twice(hers: Api, ada: Account) -> None:
    first, second = (hers.post("/messages", KEY, to=[FAR], subject="Once") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert read(first) == read(second)
    assert QueuedMessage.objects.count() == len(held_in(ada, "Sent")) == 1
    assert hers.post("/messages", {"Idempotency-Key": "another"}, to=[FAR], subject="Once").status_code == 201
    assert hers.post("/messages", to=[FAR], subject="Once").status_code == 201
    assert QueuedMessage.objects.count() == 3


def test_another_message_with_the_same_key_is_refused(hers: Api, ada: Account) -> None:
    hers.post("/messages", KEY, to=[FAR], subject="One")
    answer = hers.post("/messages", KEY, to=[FAR], subject="Another")
    assert refusal(answer) == (422, "idempotency_key_reused", None)
    assert QueuedMessage.objects.count() == 1


def test_the_first_answer_comes_again_when_its_time_has_gone_by(hers: Api, ada: Account) -> None:
    later = (timezone.now() + timedelta(hours=1)).isoformat()
    first = hers.post("/messages", KEY, to=[FAR], release_at=later)
    HandedInOnce.objects.update(
        told={**HandedInOnce.objects.get().told, "release_at": "2001-01-01T00:00:00+00:00"}
    )
    release_due(now=timezone.now() + timedelta(hours=2))
    again = read(hers.post("/messages", KEY, to=[FAR], release_at=later))
    assert datetime.fromisoformat(again["release_at"]) == datetime(2001, 1, 1, tzinfo=UTC)
    assert again["id"] == read(first)["id"]


def test_what_was_refused_can_be_tried_again_with_the_same_key(hers: Api, ada: Account) -> None:
    change_account(account_id=ada.pk, quota_octets=10, by="test")
    assert hers.post("/messages", KEY, to=[FAR]).status_code == 409
    change_account(account_id=ada.pk, quota_octets=0, by="test")
    assert hers.post("/messages", KEY, to=[FAR]).status_code == 201


def test_keys_are_the_accounts_own_and_forgotten_after_a_day(hers: Api, api: Api, ada: Account) -> None:
    hers.post("/messages", KEY, to=[FAR])
    bob = new_account("bob")
    assert api.post(f"/messages?login={bob.login}", KEY, to=[FAR]).status_code == 201
    forget_keys(now=timezone.now() + timedelta(hours=23))
    assert HandedInOnce.objects.count() == 2
    forget_keys(now=timezone.now() + timedelta(hours=25))
    assert not HandedInOnce.objects.exists()


def test_a_key_that_is_too_long_is_refused(hers: Api, ada: Account) -> None:
    answer = hers.post("/messages", {"Idempotency-Key": 256 * "x"}, to=[FAR])
    assert refusal(answer)[:2] == (422, "invalid_value")


# Large ones


def test_a_large_message_is_taken_up_to_a_bound(hers: Api, ada: Account, settings: Settings) -> None:
    content = base64.b64encode(bytes(5 << 20)).decode()
    fields = {"to": [FAR], "attachments": [{"filename": "big", "content": content}]}
    assert hers.post("/messages", None, **fields).status_code == 201
    assert len(held_in(ada, "Sent")[0].get_payload(1).get_payload(decode=True)) == 5 << 20  # type: ignore[union-attr]
    settings.API_MESSAGE_OCTETS = 1 << 20
    assert refusal(hers.post("/messages", None, **fields)) == (413, "body_too_large", None)
    settings.API_MESSAGE_OCTETS = 20 << 20
    settings.MAX_MESSAGE_OCTETS = 1 << 20
    assert refusal(hers.post("/messages", None, **fields)) == (413, "message_too_large", None)
    assert refusal(Api("").post("/messages", None, **fields)) == (413, "body_too_large", None)
