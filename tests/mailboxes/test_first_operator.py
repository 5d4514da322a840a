"""The first operator's link works once, and never where there is an operator."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from mailboxes import first_operator
from mailboxes.accounts import add_operator
from mailboxes.first_operator import TokenInvalid

pytestmark = pytest.mark.django_db(transaction=False)


@pytest.fixture(autouse=True)
def var(settings: Settings, tmp_path: Path) -> Path:
    settings.VAR = tmp_path
    return tmp_path


def test_the_link_makes_an_operator_once() -> None:
    token = first_operator.make_token()
    assert token is not None
    assert first_operator.is_valid(token)
    account = first_operator.use_token(token, login="root", password="a long pass phrase")
    assert account.is_operator
    assert not first_operator.is_valid(token)
    with pytest.raises(TokenInvalid):
        first_operator.use_token(token, login="second", password="a long pass phrase")


def test_a_newer_link_replaces_an_older_one() -> None:
    older, newer = first_operator.make_token(), first_operator.make_token()
    assert older is not None
    assert newer is not None
    assert not first_operator.is_valid(older)
    assert first_operator.is_valid(newer)


def test_no_link_where_there_is_an_operator() -> None:
    token = first_operator.make_token()
    assert token is not None
    add_operator(login="root", password="a long pass phrase", by="test")
    assert not first_operator.is_valid(token)
    assert first_operator.make_token() is None


def test_the_token_itself_is_not_kept(var: Path) -> None:
    token = first_operator.make_token()
    assert token is not None
    assert all(token not in path.read_text() for path in var.iterdir())
