"""Marking, moving, deleting."""

import pytest
from django.test import Client

from mailboxes.models import Account, Message
from mailboxes.store.hierarchy import create_mailbox, delete_mailbox, find_mailbox
from mailboxes.store.values import Flag
from tests.webmail.conftest import Deliver
from tests.webmail.mail import NOW, mailbox_id


def flags(account: Account, mailbox: str = "INBOX") -> list[Flag]:
    rows = Message.objects.filter(mailbox_id=mailbox_id(account, mailbox)).order_by("uid")
    return [Flag(value) for value in rows.values_list("flags", flat=True)]


def press(client: Client, account: Account, mailbox: str = "INBOX", /, **words: object) -> str:
    """Presses a button above the list; what the next page says."""
    where = f"/mail/{mailbox_id(account, mailbox)}/act/"
    return client.post(where, words, follow=True).content.decode()


def test_marks_come_and_go(signed_in: Client, alice: Account, deliver: Deliver) -> None:
    first, second = deliver(alice), deliver(alice)
    press(signed_in, alice, act="seen", uid=[first, second])
    assert flags(alice) == [Flag.SEEN, Flag.SEEN]
    press(signed_in, alice, act="unseen", uid=first)
    press(signed_in, alice, "INBOX", **{"flag-one": second, "uid": first})
    assert flags(alice) == [Flag(0), Flag.SEEN | Flag.FLAGGED]
    press(signed_in, alice, "INBOX", **{"unflag-one": second})
    assert flags(alice) == [Flag(0), Flag.SEEN]


@pytest.mark.parametrize(("act", "target"), [("archive", "Archive"), ("junk", "Junk"), ("delete", "Trash")])
def test_messages_go_where_the_button_says(
    signed_in: Client, alice: Account, deliver: Deliver, act: str, target: str
) -> None:
    uid = deliver(alice)
    assert f"1 message moved to {target}." in press(signed_in, alice, act=act, uid=uid)
    assert (len(flags(alice)), len(flags(alice, target))) == (0, 1)


def test_junk_goes_back_to_the_inbox(signed_in: Client, alice: Account, deliver: Deliver) -> None:
    uid = deliver(alice, mailbox="Junk")
    press(signed_in, alice, "Junk", act="not-junk", uid=uid)
    assert len(flags(alice)) == 1


def test_what_is_deleted_in_trash_is_gone_for_good(
    signed_in: Client, alice: Account, deliver: Deliver
) -> None:
    uids = [deliver(alice, mailbox="Trash") for _ in range(3)]
    assert "1 message deleted for good." in press(signed_in, alice, "Trash", act="delete", uid=uids[0])
    assert "2 messages deleted for good." in press(signed_in, alice, "Trash", act="empty")
    assert flags(alice, "Trash") == []


def test_only_trash_and_junk_can_be_emptied(signed_in: Client, alice: Account, deliver: Deliver) -> None:
    deliver(alice)
    assert "Nothing here" in press(signed_in, alice, act="empty")
    assert len(flags(alice)) == 1


def test_messages_are_moved_to_any_folder(signed_in: Client, alice: Account, deliver: Deliver) -> None:
    target = create_mailbox(account_id=alice.pk, name="Clients/Smith", now=NOW)
    uid = deliver(alice)
    assert "moved to Smith" in press(signed_in, alice, act="move", to=target.mailbox_id, uid=uid)
    assert "Choose the folder" in press(signed_in, alice, act="move", uid=uid)
    assert len(flags(alice, "Clients/Smith")) == 1


def test_a_trash_that_was_deleted_is_made_again(signed_in: Client, alice: Account, deliver: Deliver) -> None:
    uid = deliver(alice)
    delete_mailbox(account_id=alice.pk, name="Trash", now=NOW)
    press(signed_in, alice, act="delete", uid=uid)
    assert find_mailbox(account_id=alice.pk, name="Trash").special_use == "\\Trash"
    assert len(flags(alice, "Trash")) == 1


def test_nothing_chosen_is_told(signed_in: Client, alice: Account) -> None:
    assert "Choose messages first." in press(signed_in, alice, act="archive")
    assert "Choose messages first." in press(signed_in, alice, act="archive", uid=["x", "-1", "²"])


def test_acts_take_a_post_and_lead_back_to_this_host_only(signed_in: Client, alice: Account) -> None:
    where = f"/mail/{mailbox_id(alice)}/act/"
    assert signed_in.get(where).status_code == 405
    for target in ("https://evil.test/", "//evil.test/mail/", "/admin/", "/mail/\\evil.test"):
        answer = signed_in.post(where, {"act": "seen", "uid": 1, "next": target})
        assert answer.headers["Location"].startswith("/mail/")
    answer = signed_in.post(where, {"act": "nonsense", "uid": 1, "next": f"{where[:-4]}?before=7"})
    assert answer.headers["Location"].endswith("?before=7")


def test_acts_need_the_pages_own_token(alice: Account, deliver: Deliver) -> None:
    uid, strict = deliver(alice), Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    answer = strict.post(f"/mail/{mailbox_id(alice)}/act/", {"act": "delete", "uid": uid})
    assert answer.status_code == 403
    assert b"Sent from an old page" in answer.content
