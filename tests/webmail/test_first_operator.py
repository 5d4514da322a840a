"""The link that makes the first operator."""

import pytest
from django.test import Client

from mailboxes.first_operator import make_token
from mailboxes.models import Account

PASSWORD = "quiet harbour 7"


@pytest.fixture
def token(db: None) -> str:
    Account.objects.update(is_operator=False)  # those of tests whose rows stay; undone with this test
    found = make_token()
    assert found
    return found


def choose(client: Client, token: str, **words: str) -> object:
    form = {"login": "Root", "password": PASSWORD, "password_again": PASSWORD}
    return client.post(f"/first-operator/{token}/", form | words)


def test_the_link_makes_the_operator_signs_in_and_is_void(client: Client, token: str) -> None:
    assert b"Welcome" in client.get(f"/first-operator/{token}/").content
    answer = client.post(
        f"/first-operator/{token}/", {"login": "Root", "password": PASSWORD, "password_again": PASSWORD}
    )
    assert answer.headers["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    root = Account.objects.get(login="root")
    assert root.is_operator
    assert client.get(f"/first-operator/{token}/").status_code == 410
    choose(client, token, login="second")
    assert not Account.objects.filter(login="second").exists()


@pytest.mark.django_db
def test_a_guess_makes_nobody(client: Client) -> None:
    assert client.get("/first-operator/guess/").status_code == 410
    choose(client, "guess")
    assert not Account.objects.filter(login="root").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"password_again": "other"}, b"not the same"),
        ({"password": "password", "password_again": "password"}, b"too common"),
        ({"login": ""}, b"required"),
    ],
)
def test_a_bad_choice_is_told_and_the_link_stays(
    client: Client, token: str, words: dict[str, str], said: bytes
) -> None:
    form = {"login": "root", "password": PASSWORD, "password_again": PASSWORD}
    answer = client.post(f"/first-operator/{token}/", form | words)
    assert answer.status_code == 422
    assert said in answer.content
    assert client.get(f"/first-operator/{token}/").status_code == 200
    assert not Account.objects.filter(login="root").exists()
