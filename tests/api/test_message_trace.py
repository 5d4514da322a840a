"""/trace and /trace/message: one search and a message's whole way, by each key as far as its rights go."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from delivery.models import Attempt, Destination, QueuedRecipient
from mailboxes.administration import appoint_administrator
from mailboxes.api_keys import add_api_key
from mailboxes.models import Account
from tests.api.asking import Api, read, refusal
from tests.support.hosting import new_account
from tests.support.tracing import FAR, keep_notice, sent_message

NOW = datetime.now(UTC)
ID = "<trip@here.test>"


@pytest.fixture
def ann(db: None) -> Account:
    return new_account("ann")


@pytest.fixture
def bob(db: None) -> Account:
    return new_account("bob")


def key_of(account: Account) -> Api:
    return Api(add_api_key(name=account.login, login=account.login, by="test"))


def found(api: Api, **asked: Any) -> list[tuple[str, str]]:
    answer = api.get(f"/trace?{urlencode(asked, doseq=True)}")
    assert answer.status_code == 200, answer.content
    return [(item["state"], item["forward_path"]) for item in read(answer)["items"]]


def test_one_search_finds_what_came_and_what_left(api: Api, ann: Account, bob: Account) -> None:
    number = sent_message(ann, here=bob, now=NOW)
    left = [("reported", FAR), ("bounced", FAR), ("deferred", FAR)]
    came = [("relayed", FAR), ("junk", bob.login)]
    assert (
        found(api, text=ann.login) == found(api, sender=ann.login) == found(api, message_id=ID) == left + came
    )
    assert found(api, recipient=FAR) == [*left, came[0]]
    assert found(api, text=f"Q{number}") == left
    assert found(api, sender=ann.login, state=["bounced", "junk"]) == [left[1], came[1]]
    assert found(api, address="198.51.100.7", recipient=FAR) == left[1:]
    assert found(api, text=ann.login, since=(NOW - timedelta(minutes=10)).isoformat()) == left[:2]
    assert found(api, text=ann.login, until=(NOW - timedelta(minutes=10)).isoformat()) == [left[2], *came]
    assert found(api, text=ann.login, domain=bob.login.partition("@")[2].upper()) == came[1:]
    item = read(api.get(f"/trace?{urlencode({'text': ann.login, 'state': 'bounced'})}"))["items"][0]
    assert (item["name"], item["text"], item["key"]) == ("mx2.far.test", "refused by mx2.far.test", ID)


def test_the_verdict_on_a_certificate_is_told(api: Api, ann: Account, bob: Account) -> None:
    number = sent_message(ann, here=bob, now=NOW)
    Attempt.objects.filter(queue_id=number, outcome="deferred").update(certificate="mta-sts verified")
    items = read(api.get(f"/trace?{urlencode({'text': ann.login})}"))["items"]
    steps = read(api.get(f"/trace/message?{urlencode({'id': ID})}"))["steps"]
    for rows in (items, steps):
        told = {row["state"]: row["certificate"] for row in rows}
        assert told == {
            "reported": "",
            "bounced": "",
            "deferred": "mta-sts verified",
            "relayed": "",
            "junk": "",
        }


def test_pages_follow_each_other(api: Api, ann: Account, bob: Account) -> None:
    sent_message(ann, here=bob, now=NOW)
    seen, cursor = [], ""
    while cursor is not None:
        page = read(api.get(f"/trace?{urlencode({'text': ann.login, 'limit': 2, 'cursor': cursor})}"))
        seen += [item["state"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == ["reported", "bounced", "deferred", "relayed", "junk"]


def test_keys_see_their_own(ann: Account, bob: Account) -> None:
    sent_message(ann, here=bob, now=NOW)
    eve = new_account("eve")
    anns = found(key_of(ann), text=ann.login)
    assert len(anns) == 5
    assert ("accepted", bob.login) in anns
    assert found(key_of(bob), text=ann.login) == [("junk", bob.login)]
    assert found(key_of(eve)) == []
    hers, domain = Api(add_api_key(name="eve2", login=eve.login, by="test")), ann.login.partition("@")[2]
    assert refusal(hers.get(f"/trace?domain={domain}"))[0] == 404
    appoint_administrator(domain=domain, login=eve.login, by="test")
    assert len(found(hers, domain=domain)) == len(found(hers)) == 5


def test_a_messages_whole_way(api: Api, ann: Account, bob: Account) -> None:
    number = sent_message(ann, here=bob, now=NOW)
    for key in (ID, f"Q{number}", f"7ace{ann.pk}"):
        way = read(api.get(f"/trace/message?{urlencode({'id': key})}"))
        assert [step["state"] for step in way["steps"]] == [
            "junk",
            "relayed",
            "deferred",
            "bounced",
            "reported",
        ]
        assert [each["findings"] for each in way["judgements"]] == [["It promises money for nothing."]]
        assert (way["message_id"], way["standing"], way["is_cut"]) == (ID, [], False)
    QueuedRecipient.objects.update(state="queued", finished_at=None)
    Destination.objects.update(failures=3, cause="no-connection", last_attempt_at=NOW)
    [waits] = read(api.get(f"/trace/message?{urlencode({'id': ID})}"))["standing"]
    assert waits["text"] == "waits: the host for far.test does not answer"
    assert (waits["failures"], datetime.fromisoformat(waits["tried_at"])) == (
        3,
        NOW.replace(microsecond=NOW.microsecond // 1000 * 1000),
    )
    his = read(key_of(bob).get(f"/trace/message?{urlencode({'id': ID})}"))
    assert [step["forward_paths"] for step in his["steps"]] == [[bob.login]]
    nobody = key_of(new_account("eve")).get(f"/trace/message?{urlencode({'id': ID})}")
    assert refusal(nobody)[:2] == (404, "message_not_found")


def test_what_its_sender_was_told(ann: Account, bob: Account) -> None:
    number = sent_message(ann, here=bob, now=NOW)
    notice = keep_notice(ann, queue_id=number, now=NOW)
    asked = f"/trace/message?{urlencode({'id': ID})}"
    hers = key_of(ann)
    *others, told = read(hers.get(asked))["steps"]
    assert "What happened: There is no such address there." in told["notice"]["text"]
    assert f"Final-Recipient: rfc822; {FAR}" in told["notice"]["fields"]
    assert [step["notice"] for step in others] == [None] * 4
    notice.delete()
    gone = read(hers.get(asked))["steps"][-1]
    assert (gone["notice"], gone["notice_left_out"]) == (None, False)


def test_a_notice_that_was_not_looked_for_is_not_called_gone(
    ann: Account, bob: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("delivery.trace.notices.MAX_NOTICES", 1)
    number = sent_message(ann, here=bob, now=NOW)
    notice = keep_notice(ann, queue_id=number, now=NOW)
    later = Attempt.objects.get(outcome="reported")
    later.pk, later.at = None, later.at + timedelta(minutes=1)
    later.reply = f"{ann.login} was told that it did not arrive (notice N{notice.pk + 1_000_000})"
    later.save(force_insert=True)
    *others, first, second = read(key_of(ann).get(f"/trace/message?{urlencode({'id': ID})}"))["steps"]
    assert (first["notice"], first["notice_left_out"]) == (None, True)
    assert (second["notice"], second["notice_left_out"]) == (None, False)
    assert not any(step["notice_left_out"] for step in others)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("state=lost", "invalid_state"),
        ("cursor=bm93aGVyZQ", "invalid_cursor"),
        ("cursor=!", "invalid_cursor"),
    ],
)
def test_what_makes_no_sense_is_refused(api: Api, query: str, code: str) -> None:
    assert refusal(api.get(f"/trace?{query}"))[:2] == (422, code)
