"""The page of the delivery test: whose domains it may name, and how often (what it finds: delivery/test_probe.py)."""

import uuid

import pytest
from django.test import Client

from delivery import delivery_test
from delivery.delivery_test import MOST_PER_HOUR, TooManyTests, count_test
from mailboxes.models import Account
from mailhost.net import counters

WHERE = "/panel/delivery-test/"


def test_the_form_offers_ones_own_domains(pages: Client, ours: str, theirs: str) -> None:
    page = pages.get(WHERE).content.decode()
    assert f"postmaster@{ours}" in page
    assert theirs not in page
    assert "<ol" not in page


def test_a_domain_of_others_is_refused(pages: Client, theirs: str) -> None:
    answer = pages.post(WHERE, {"to": "bob@far.test", "domain": theirs})
    assert answer.status_code == 422
    assert "You do not administer this domain." in answer.content.decode()


def test_nobody_searches_for_addresses_with_it(pages: Client, ada: Account, ours: str) -> None:
    counters.increment(f"delivery-tests:{ada.pk}", by=MOST_PER_HOUR, window_seconds=60)
    answer = pages.post(WHERE, {"to": "bob@far.test", "domain": ours})
    assert answer.status_code == 429
    assert "Try again in an hour." in answer.content.decode()


def test_tests_are_counted_by_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery_test, "MOST_PER_HOUR", 2)
    mine, yours = uuid.uuid4().int >> 80, uuid.uuid4().int >> 80
    count_test(account_id=mine)
    count_test(account_id=mine)
    with pytest.raises(TooManyTests):
        count_test(account_id=mine)
    count_test(account_id=yours)


def test_strangers_sign_in_first(client: Client) -> None:
    assert client.get(WHERE).status_code == 302
