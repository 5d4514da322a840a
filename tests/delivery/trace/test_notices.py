"""The notice behind a step of the trace: what the sender was told, as long as it is kept."""

from datetime import timedelta

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from delivery.bounces import report_message
from delivery.models import Attempt, QueuedMessage, QueuedRecipient
from delivery.trace.asking import EVERYTHING, Scope
from delivery.trace.notices import number_of
from delivery.trace.pages import message_page
from delivery.trace.timeline import Timeline, read_timeline
from mailboxes.models import Account, Content
from tests.support.hosting import new_account
from tests.support.queueing import NOON, queue

pytestmark = pytest.mark.django_db
LETTER = (
    b"From: ann@here.test\r\nMessage-ID: <letter@here.test>\r\nSubject: Gr\xc3\xbc\xc3\x9fe\r\n\r\nhello\r\n"
)


@pytest.fixture
def ann(settings: Settings, monkeypatch: pytest.MonkeyPatch, db: None) -> Account:
    settings.RELAY = "direct"
    settings.TRACE_SUBJECTS = False
    monkeypatch.setattr("delivery.queue.enqueue.relay_is_due", lambda: None)
    return new_account("ann")


def told(ann: Account) -> None:
    """She has sent a letter that came back, and was told."""
    message_id = queue("bob@far.test", reverse_path=ann.login, octets=LETTER)
    QueuedMessage.objects.filter(pk=message_id).update(account=ann)
    QueuedRecipient.objects.filter(message_id=message_id).update(
        state="bounced", report_due="failed", last_status="5.1.1", last_reply="550 5.1.1 No such user"
    )
    assert report_message(message_id=message_id, now=NOON, new_name=lambda: "x")


def timeline(scope: Scope) -> Timeline:
    found = read_timeline("<letter@here.test>", scope, now=NOON)
    assert found is not None
    return found


def own(ann: Account) -> Scope:
    return Scope(account_id=ann.pk, login=ann.login)


def test_it_says_what_was_said(ann: Account) -> None:
    told(ann)
    found = timeline(own(ann))
    [step] = [step for step in found.steps if step.row.state == "reported"]
    number = number_of(step.row)
    assert number is not None
    notice = found.notices[number]
    assert notice.text.startswith("This is the mail server ")
    assert "What happened: There is no such address there." in notice.text
    assert "Your message had the subject: Grüße" in notice.text
    assert "Final-Recipient: rfc822; bob@far.test\nAction: failed\nStatus: 5.1.1" in notice.fields
    assert "hello" not in notice.text + notice.fields


@pytest.mark.parametrize("keeps_subjects", [True, False])
def test_the_subject_is_told_to_others_as_far_as_it_is_kept(
    ann: Account, settings: Settings, keeps_subjects: bool
) -> None:
    settings.TRACE_SUBJECTS = keeps_subjects
    told(ann)
    for scope in (EVERYTHING, Scope(domains=(ann.login.partition("@")[2],))):
        [notice] = timeline(scope).notices.values()
        assert ("Grüße" in notice.text) is keeps_subjects
        assert "bob@far.test" in notice.text


def test_what_was_deleted_is_gone(ann: Account) -> None:
    told(ann)
    Content.objects.filter(message_id__startswith="<x.report@").delete()
    found = timeline(own(ann))
    assert found.notices == {}
    assert [number_of(step.row) is not None for step in found.steps if step.row.state == "reported"] == [True]


def test_a_number_in_others_words_opens_nothing(ann: Account) -> None:
    """Nor does that of a content which is no notice."""
    told(ann)
    letter = Content.objects.get(message_id="<letter@here.test>").pk
    Attempt.objects.update(reply=f"ann was told that it did not arrive (notice N{letter})")
    assert timeline(own(ann)).notices == {}
    Attempt.objects.update(outcome="bounced")
    assert [number_of(step.row) for step in timeline(own(ann)).steps] == [None]


def test_of_many_the_newest_are_opened_and_only_of_those_is_said_that_they_are_gone(
    ann: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("delivery.trace.notices.MAX_NOTICES", 1)
    told(ann)
    [first] = timeline(own(ann)).notices
    attempt = Attempt.objects.get(outcome="reported")
    attempt.pk, attempt.at = None, NOON + timedelta(minutes=1)
    attempt.reply = f"{ann.login} was told that it did not arrive (notice N{first + 1_000_000})"
    attempt.save(force_insert=True)
    request = RequestFactory().get("/", {"id": "<letter@here.test>"})
    steps = [step for step in message_page(request, own(ann))["steps"] if step.line.row.state == "reported"]
    assert [(step.has_notice, step.notice) for step in steps] == [(False, None), (True, None)]
