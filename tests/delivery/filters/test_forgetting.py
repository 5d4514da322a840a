"""Verdicts, and what was held, go once nobody can ask for them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from delivery import tasks
from delivery.filters import forgetting
from delivery.filters.forgetting import forget_verdicts
from delivery.filters.recording import read_verdict
from delivery.models import Quarantined, RecordedVerdict
from mailboxes.models import Account, Content
from tests.support.hosting import new_account
from tests.support.judging import NOW, OFFER, come_in, hold


@pytest.fixture
def alice(db: None) -> Account:
    return new_account("alice")


def test_a_verdict_is_kept_for_its_days(alice: Account) -> None:
    content_id = come_in(alice)
    assert forget_verdicts(now=NOW + timedelta(days=90)) == 0
    assert read_verdict(account_id=alice.pk, content_id=content_id)
    assert forget_verdicts(now=NOW + timedelta(days=90, seconds=1)) == 1
    assert read_verdict(account_id=alice.pk, content_id=content_id) is None


def test_a_verdict_goes_with_its_message_in_pieces(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "ROWS_AT_ONCE", 2)
    gone = [come_in(alice, OFFER % number) for number in range(5)]
    kept = come_in(alice, OFFER % 9)
    Content.objects.filter(pk__in=gone).delete()
    assert forget_verdicts(now=NOW) == 5
    assert [row.content_id for row in RecordedVerdict.objects.filter(account=alice)] == [kept]


def test_beat_removes_what_nobody_took_out_of_quarantine(alice: Account) -> None:
    now = timezone.now()
    old, new = hold(alice, now=now - timedelta(days=31)), hold(alice, OFFER % 2, now=now)
    Content.objects.filter(pk=old.content_id).update(created_at=now - timedelta(days=31))
    tasks.clean()
    assert [held.pk for held in Quarantined.objects.filter(account=alice)] == [new.pk]
    assert not Content.objects.filter(pk=old.content_id).exists()
    assert read_verdict(account_id=alice.pk, content_id=old.content_id) is None
    assert read_verdict(account_id=alice.pk, content_id=new.content_id)
