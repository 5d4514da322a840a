"""What people change of their own account."""

from django.test import Client

from mailboxes.models import Account
from mailhost.audit.models import Act
from tests.support.hosting import PASSWORD

NEW = "battery staple 42"
WORDS = {"form": "password", "current": PASSWORD, "new": NEW, "again": NEW}


def test_a_new_password_ends_all_other_sessions(signed_in: Client, alice: Account) -> None:
    other = Client()
    other.force_login(alice)
    keys = bytes(alice.scram_stored_key)
    answer = signed_in.post("/mail/account/", WORDS, follow=True)
    assert b"Your password is changed." in answer.content
    alice.refresh_from_db()
    assert alice.check_password(NEW)
    assert bytes(alice.scram_stored_key) != keys
    assert other.get("/mail/account/").status_code == 302
    assert Act.objects.filter(actor=alice.login, verb="password changed").exists()


def test_a_browser_left_open_changes_no_password(signed_in: Client, alice: Account) -> None:
    for words, said in (
        ({"current": "guess"}, b"That is not your password."),
        ({"again": "other"}, b"not the same"),
        ({"new": "password", "again": "password"}, b"too common"),
    ):
        answer = signed_in.post("/mail/account/", WORDS | words)
        assert answer.status_code == 422
        assert said in answer.content
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_the_name_stands_in_the_next_message(signed_in: Client, alice: Account) -> None:
    signed_in.post("/mail/account/", {"form": "name", "display_name": "Alice M."})
    assert f"Alice M. &lt;{alice.login}&gt;" in signed_in.get("/mail/new/").content.decode()
