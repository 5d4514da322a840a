"""No address, form or guess leads from one account to another's mail: every page, tried by a stranger."""

import pytest
from django.test import Client
from django.urls import URLPattern

from mailboxes.models import Account, Message
from mailhost.webmail.urls import urlpatterns
from tests.support.hosting import new_account
from tests.webmail.conftest import Deliver
from tests.webmail.mail import mailbox_id

PAGES = [pattern for pattern in urlpatterns if "mailbox_id" in str(pattern.pattern)]
VALUES = {"<number:uid>": "1", "<str:section>": "1"}


def paths(pattern: URLPattern, mailbox: int) -> list[str]:
    path = "/mail/" + str(pattern.pattern).replace("<number:mailbox_id>", str(mailbox))
    for name, value in VALUES.items():
        path = path.replace(name, value)
    modes = ("reply", "reply-all", "forward", "draft") if "<slug:mode>" in path else ("",)
    return [path.replace("<slug:mode>", mode) for mode in modes]


def test_every_page_of_a_mailbox_is_tried() -> None:
    assert len(PAGES) >= 8


@pytest.mark.parametrize("pattern", PAGES, ids=lambda pattern: pattern.name)
def test_a_page_of_somebody_elses_mailbox_is_not_found(
    client: Client, alice: Account, deliver: Deliver, pattern: URLPattern
) -> None:
    mallory = new_account("mallory")
    assert deliver(alice) == deliver(mallory) == 1
    client.force_login(mallory)
    words = {"act": "delete", "uid": "1", "to": "mallory@evil.test", "text": "x", "subject": "x"}
    for path in paths(pattern, mailbox_id(alice)):
        assert client.get(path).status_code in {404, 405}
        assert client.post(path, words).status_code in {404, 405}
    assert Message.objects.filter(mailbox_id=mailbox_id(alice)).count() == 1


@pytest.mark.parametrize("pattern", PAGES, ids=lambda pattern: pattern.name)
def test_a_stranger_is_asked_to_sign_in(client: Client, alice: Account, pattern: URLPattern) -> None:
    for path in paths(pattern, mailbox_id(alice)):
        for answer in (client.get(path), client.post(path)):
            assert answer.status_code == 405 or answer.headers["Location"].startswith("/?next=")


def test_messages_cannot_be_moved_into_somebody_elses_mailbox(
    signed_in: Client, alice: Account, deliver: Deliver
) -> None:
    bob, uid = new_account("bob"), deliver(alice)
    words = {"act": "move", "uid": uid, "to": mailbox_id(bob)}
    assert signed_in.post(f"/mail/{mailbox_id(alice)}/act/", words).status_code == 404
    assert Message.objects.filter(mailbox_id=mailbox_id(alice)).count() == 1


def test_an_operator_reads_nobodys_mail(client: Client, alice: Account, deliver: Deliver) -> None:
    deliver(alice)
    operator = new_account("operator")
    operator.is_operator = True
    operator.save()
    client.force_login(operator)
    assert client.get(f"/mail/{mailbox_id(alice)}/1/").status_code == 404
    for model in ("message", "mailbox", "content", "expunged"):
        assert client.get(f"/admin/mailboxes/{model}/").status_code == 404
