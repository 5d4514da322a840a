"""/domains/DOMAIN/filters/LOCAL-PART and thresholds."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from delivery.findings import Finding
from delivery.models import Quarantined
from mailboxes.models import Account, Message
from mailhost.audit.models import Act
from tests.api.asking import Api, read, refusal
from tests.support.judging import come_in, hold
from tests.webmail.mail import LETTER, mailbox_id

FILTERS = "/domains/example.org/filters/alice"
SPF = Finding("spf", "softfail", "192.0.2.1 may not send for elsewhere.test.", 1.0)


@pytest.fixture
def alice(api: Api) -> Account:
    api.put("/domains/example.org")
    api.put("/domains/example.org/accounts/alice", password="correct horse")
    return Account.objects.get(login="alice@example.org")


def test_a_rule_is_put_read_turned_round_and_deleted(api: Api, alice: Account) -> None:
    made = api.put(f"{FILTERS}/sender-rules/@B%C3%BCcher.example", is_allowed=True)
    assert made.status_code == 201
    assert read(made)["pattern"] == "@xn--bcher-kva.example"
    path = f"{FILTERS}/sender-rules/@xn--bcher-kva.example"
    acts = Act.objects.count()
    assert api.put(path, is_allowed=True).status_code == 200
    assert Act.objects.count() == acts
    assert read(api.put(path, is_allowed=False))["is_allowed"] is False
    assert read(api.get(path))["is_allowed"] is False
    assert Act.objects.filter(actor="api:robot", verb="sender refused").exists()
    assert api.delete(path).status_code == 204
    assert refusal(api.get(path)) == (404, "sender_rule_not_found", None)
    assert refusal(api.delete(path)) == (404, "sender_rule_not_found", None)


def test_what_is_no_sender_or_no_account_is_refused(api: Api, alice: Account) -> None:
    assert refusal(api.put(f"{FILTERS}/sender-rules/bob", is_allowed=True)) == (
        422,
        "invalid_sender",
        "pattern",
    )
    assert refusal(api.put(f"{FILTERS}/sender-rules/@x.org")) == (422, "invalid_value", "is_allowed")
    nobody = FILTERS.replace("alice", "nobody")
    assert refusal(api.get(f"{nobody}/quarantine")) == (404, "account_not_found", None)


def test_a_held_message_is_released_or_discarded_once(api: Api, alice: Account) -> None:
    first, second = hold(alice, LETTER).pk, hold(alice, LETTER + b"more").pk
    items = read(api.get(f"{FILTERS}/quarantine"))["items"]
    assert [item["id"] for item in items] == [second, first]
    assert (items[0]["author"], items[0]["subject"], items[0]["score"]) == ("Bob", "Hello", 6.0)
    assert items[0]["reason"] == "The attachment invoice.exe is a program."
    release = f"{FILTERS}/quarantine/{first}/release"
    assert api.ask("POST", release).status_code == 204
    assert Message.objects.filter(mailbox_id=mailbox_id(alice)).count() == 1
    assert refusal(api.ask("POST", release)) == (404, "held_message_not_found", None)
    assert api.delete(f"{FILTERS}/quarantine/{second}").status_code == 204
    assert refusal(api.delete(f"{FILTERS}/quarantine/{second}")) == (404, "held_message_not_found", None)
    assert not Quarantined.objects.filter(account=alice).exists()


def test_a_held_message_is_released_and_its_sender_let_in(api: Api, alice: Account) -> None:
    held = hold(alice, LETTER).pk
    assert api.ask("POST", f"{FILTERS}/quarantine/{held}/release?lets_sender_in=true").status_code == 204
    assert read(api.get(f"{FILTERS}/sender-rules/bob@elsewhere.test"))["is_allowed"] is True
    assert Message.objects.filter(mailbox_id=mailbox_id(alice)).count() == 1


def test_a_full_account_keeps_what_is_held(api: Api, alice: Account) -> None:
    held = hold(alice).pk
    api.put("/domains/example.org/accounts/alice", quota_octets=1)
    assert refusal(api.ask("POST", f"{FILTERS}/quarantine/{held}/release")) == (409, "quota_exceeded", None)
    assert Quarantined.objects.filter(pk=held).exists()


def test_another_account_s_messages_are_not_to_be_had(api: Api, alice: Account) -> None:
    held, content = hold(alice).pk, come_in(alice, LETTER + b"x", SPF)
    api.put("/domains/example.org/accounts/bob", password="correct horse")
    bob = FILTERS.replace("alice", "bob")
    assert read(api.get(f"{bob}/quarantine"))["items"] == []
    assert api.ask("POST", f"{bob}/quarantine/{held}/release").status_code == 404
    assert api.delete(f"{bob}/quarantine/{held}").status_code == 404
    assert refusal(api.get(f"{bob}/verdicts/{content}")) == (404, "verdict_not_found", None)


def test_a_verdict_is_found_by_content_and_by_trace(api: Api, alice: Account) -> None:
    content = come_in(alice, LETTER, SPF)
    body = read(api.get(f"{FILTERS}/verdicts/{content}"))
    assert (body["action"], body["score"], body["trace_id"], body["peer"]) == (
        "deliver",
        1.0,
        "trace1",
        "192.0.2.1",
    )
    assert body["findings"] == [
        {"check": "spf", "result": "softfail", "score": 1.0, "text": SPF.text, "at_least": None}
    ]
    assert read(api.get(f"{FILTERS}/verdicts?trace_id=trace1"))["items"] == [body]
    assert read(api.get(f"{FILTERS}/verdicts?trace_id=trace2"))["items"] == []


def test_a_message_is_called_junk_and_the_answer_says_what_follows(api: Api, alice: Account) -> None:
    content = come_in(alice, LETTER, SPF)
    path = f"{FILTERS}/lessons/{content}"
    said = read(api.put(path, is_junk=True))
    forecast = {"action": "deliver", "score": 1.0}
    assert (said["content_id"], said["is_junk"], said["is_learned"]) == (content, True, True)
    assert {name: said["before"][name] for name in forecast} == forecast
    assert {name: said["after"][name] for name in forecast} == forecast
    assert said["after"]["findings"][0]["check"] == "spf"
    assert Message.objects.filter(mailbox_id=mailbox_id(alice, "Junk"), content_id=content).exists()
    assert api.put(path, is_junk=False).status_code == 200
    assert Message.objects.filter(mailbox_id=mailbox_id(alice), content_id=content).exists()
    acts = Act.objects.filter(actor="api:robot", verb__startswith="message called").values_list(
        "verb", flat=True
    )
    assert list(acts.order_by("pk")) == ["message called junk", "message called wanted"]
    assert refusal(api.put(f"{FILTERS}/lessons/{content + 1}", is_junk=True)) == (
        404,
        "message_not_found",
        None,
    )
    assert refusal(api.put(path)) == (422, "invalid_value", "is_junk")


@pytest.mark.parametrize("kind", ["sender-rules", "quarantine", "verdicts"])
def test_lists_come_in_pages_and_take_as_many_queries_for_many(api: Api, alice: Account, kind: str) -> None:
    def fill(number: int) -> None:
        api.put(f"{FILTERS}/sender-rules/@d{number}.example", is_allowed=True)
        hold(alice, LETTER + str(number).encode())

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert api.get(f"{FILTERS}/{kind}").status_code == 200
        return len(captured)

    fill(0)
    short = queries()
    for number in range(1, 5):
        fill(number)
    assert queries() == short <= 5  # key, domain, account, rows, verdicts
    everything = read(api.get(f"{FILTERS}/{kind}"))["items"]
    first = read(api.get(f"{FILTERS}/{kind}?limit=3"))
    second = read(api.get(f"{FILTERS}/{kind}?limit=3&cursor={first['next_cursor']}"))
    assert first["items"] + second["items"] == everything
    assert (len(everything), second["next_cursor"]) == (5, None)


@pytest.mark.parametrize("cursor", ["_w", "YQ", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA"])
def test_a_cursor_that_is_no_number_is_refused(api: Api, alice: Account, cursor: str) -> None:
    assert refusal(api.get(f"{FILTERS}/quarantine?cursor={cursor}")) == (422, "invalid_cursor", "cursor")


@pytest.mark.parametrize("path", ["/domains/example.org", "/domains/example.org/accounts/alice"])
def test_thresholds_are_put_left_alone_and_taken_away(api: Api, alice: Account, path: str) -> None:
    assert read(api.get(path))["junk_score"] is None
    put = read(api.put(path, junk_score=3.5, refuse_score=0))
    assert (put["junk_score"], put["quarantine_score"], put["refuse_score"]) == (3.5, None, 0.0)
    assert read(api.put(path, is_enabled=True))["junk_score"] == 3.5
    assert read(api.put(path, junk_score=None))["junk_score"] is None
    for name, score in (("junk_score", 0), ("quarantine_score", 0.5), ("refuse_score", 51)):
        assert refusal(api.put(path, **{name: score})) == (422, "invalid_threshold", name)
    assert Act.objects.filter(actor="api:robot", verb__in=["domain changed", "account changed"]).count() == 2


def test_a_bad_threshold_makes_no_account(api: Api, alice: Account) -> None:
    path = "/domains/example.org/accounts/bob"
    assert api.put(path, password="correct horse", junk_score=99).status_code == 422
    assert api.get(path).status_code == 404
