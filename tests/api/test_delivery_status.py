"""/delivery-status: each key is told of what its account has sent, and of what accounts that it administers have."""

from typing import Any
from urllib.parse import urlencode

import pytest
from pytest_django import Settings

from delivery.acceptance import Acceptance, accept_now
from mailboxes.accounts import change_account
from mailboxes.administration import appoint_administrator
from mailboxes.api_keys import add_api_key
from mailboxes.models import Account
from mailhost.protocols.addresses import EmailAddress
from tests.api.asking import Api, read, refusal
from tests.support.hosting import new_account
from tests.support.queueing import NOON

ID = "<1@here.test>"


@pytest.fixture
def ada(db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Account:
    """She has sent a message to one elsewhere."""
    settings.RELAY = "direct"
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
    account = new_account("ada")
    send(account, "x@far.test")
    return account


def send(account: Account, to: str) -> None:
    octets = f"From: {account.login}\r\nMessage-ID: {ID}\r\n\r\n.\r\n".encode()
    relay = (EmailAddress.parse(to),)
    accept_now(Acceptance(octets, relay=relay, submitted_by=account.pk, reverse_path=account.login), now=NOON)


def key_of(account: Account) -> Api:
    return Api(add_api_key(name=f"of {account.login}", login=account.login, by="test"))


def ask(api: Api, **asked: str) -> Any:
    return api.get(f"/delivery-status?{urlencode(asked)}")


def test_an_account_asks_for_its_own_by_message_id(ada: Account) -> None:
    hers = key_of(ada)
    for asked in ({"message_id": ID}, {"message_id": ID.strip("<>")}, {"message_id": ID, "login": ada.login}):
        body = read(ask(hers, **asked))
        assert (body["message_id"], body["login"], body["counts"]) == (ID, ada.login, {"queued": 1})
        assert (body["is_under_way"], body["left_out"]) == (True, 0)
        [recipient] = body["recipients"]
        assert (recipient["forward_path"], recipient["state"], recipient["host"]) == (
            "x@far.test",
            "queued",
            "",
        )
        assert recipient["next_attempt_at"] == "2026-03-01T12:00:00Z"


def test_an_operator_names_the_account(api: Api, ada: Account) -> None:
    assert read(ask(api, message_id=ID, login=ada.login.upper()))["counts"] == {"queued": 1}
    assert refusal(ask(api, message_id=ID)) == (422, "login_required", "login")
    assert refusal(ask(api, message_id=ID, login="nobody@here.test")) == (404, "account_not_found", None)
    assert refusal(ask(api, message_id="<2@here.test>", login=ada.login)) == (404, "message_not_found", None)
    assert refusal(ask(api, login=ada.login)) == (422, "invalid_value", "message_id")
    assert refusal(ask(Api("wrong"), message_id=ID)) == (401, "api_key_invalid", None)


def test_nobody_asks_for_what_others_sent_but_who_administers_their_domain(ada: Account) -> None:
    other = new_account("mallory", domain=ada.login.partition("@")[2])
    theirs = key_of(other)
    assert refusal(ask(theirs, message_id=ID)) == (404, "message_not_found", None)
    assert refusal(ask(theirs, message_id=ID, login=ada.login)) == (404, "account_not_found", None)
    appoint_administrator(domain=ada.login.partition("@")[2], login=other.login, by="test")
    assert read(ask(theirs, message_id=ID, login=ada.login))["login"] == ada.login
    assert refusal(ask(theirs, message_id=ID)) == (404, "message_not_found", None)
    elsewhere = new_account("eve")
    assert refusal(ask(theirs, message_id=ID, login=elsewhere.login)) == (404, "account_not_found", None)
    change_account(account_id=other.pk, is_enabled=False, by="test")
    assert refusal(ask(theirs, message_id=ID, login=ada.login))[0] == 401
