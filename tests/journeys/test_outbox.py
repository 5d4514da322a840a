"""What waits is seen in the Outbox by a mail client over its socket, cancelled there by moving it, or leaves and is in
Sent."""

import http.client
import imaplib
import json
import time
from typing import Any

from tests.journeys.clients import ALICE, imap, letter, submit
from tests.journeys.conftest import World

UNDO_SECONDS = 15  # long enough to move a message by hand, on a slow machine too


def ask(world: World, key: str, method: str, path: str, **fields: object) -> dict[str, Any]:
    """An answer of the API."""
    client = http.client.HTTPConnection("127.0.0.1", world.host.ports["web"], timeout=30)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    client.request(method, f"/api/v1{path}", json.dumps(fields) if fields else None, headers)
    answer = client.getresponse()
    found: dict[str, Any] = json.loads(answer.read())
    client.close()
    assert answer.status < 300, found
    return found


def subjects(client: imaplib.IMAP4, mailbox: str) -> list[str]:
    """Of all messages there."""
    kind, _ = client.select(mailbox, readonly=True)
    if kind != "OK":
        return []
    rows = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
    return [row[1].decode().strip().removeprefix("Subject: ") for row in rows if isinstance(row, tuple)]


def until_told(client: imaplib.IMAP4, line: bytes, *, seconds: float = 60) -> None:
    """Waits in IDLE (RFC 2177) for this untagged line."""
    deadline = time.monotonic() + seconds
    client.send(b"W IDLE\r\n")
    while (told := client.readline()).strip() != line:
        assert told, "the session has ended"
        assert time.monotonic() < deadline, f"{line!r} was never told"
    client.send(b"DONE\r\n")
    while not client.readline().startswith(b"W OK"):
        assert time.monotonic() < deadline


def test_moved_out_of_the_outbox_nothing_leaves_and_left_there_it_does(world: World) -> None:
    operator = world.host.manage("add_api_key", "operator").strip()
    key = world.host.manage("add_api_key", "alice", "--account", ALICE).strip()
    ask(world, operator, "PUT", "/domains/example.test/accounts/alice", undo_seconds=UNDO_SECONDS)
    client, watching = imap(world, ALICE), imap(world, ALICE)
    assert client.select("Outbox")[0] == "NO"

    submit(world, letter(sender=ALICE, to="first@far.test", subject="A mistake"), login=ALICE)
    assert subjects(client, "Outbox") == ["A mistake"]
    assert any(row.endswith(b" Outbox") for row in client.lsub()[1] if isinstance(row, bytes))
    assert [each["subject"] for each in ask(world, key, "GET", "/waiting")["items"]] == ["A mistake"]
    client.select("Outbox")
    assert client.uid("MOVE", "1", "Drafts")[0] == "OK"
    assert ask(world, key, "GET", "/waiting")["items"] == []
    assert subjects(client, "Drafts") == ["A mistake"]

    # One that is handed in later leaves later: when it has come, the first one would have.
    watching.select("Outbox")
    told = ask(
        world,
        key,
        "POST",
        "/messages",
        to=[{"address": "second@far.test"}],
        subject="Meant so",
        text="Hello.\n",
    )
    until_told(watching, b"* 1 EXISTS")
    assert subjects(client, "Sent") == []
    until_told(watching, b"* 1 EXPUNGE")
    [received] = world.wait_for(1)
    assert received.forward_paths == ["second@far.test"]
    assert told["message_id"].encode() in received.data
    assert subjects(client, "Sent") == ["Meant so"]
    assert subjects(client, "Outbox") == []
    status = ask(world, key, "GET", f"/delivery-status?message_id={told['message_id'].strip('<>')}")
    assert set(status["counts"]) <= {"queued", "delivered"}
    assert [each.forward_paths for each in world.sink.received] == [["second@far.test"]]
    client.logout()
    watching.logout()


def test_a_worker_that_is_killed_while_messages_are_let_go_loses_and_keeps_none(world: World) -> None:
    operator = world.host.manage("add_api_key", "killer").strip()
    key = world.host.manage("add_api_key", "alice's other", "--account", ALICE).strip()
    ask(world, operator, "PUT", "/domains/example.test/accounts/alice", undo_seconds=1)
    before, killed = len(world.sink.received), 0
    for number in range(24):
        to = [{"address": f"n{number}@far.test"}]
        ask(world, key, "POST", "/messages", to=to, subject=f"Number {number}", text="Hello.\n")
        if number % 4 == 3 and world.host.pids("worker"):
            world.host.kill("worker")
            killed += 1
    assert killed
    world.wait_for(before + 24, seconds=240)
    client = imap(world, ALICE)
    deadline = time.monotonic() + 240
    expected = {f"Number {number}" for number in range(24)}
    while {each for row in world.sink.received for each in row.forward_paths} < {
        f"n{n}@far.test" for n in range(24)
    }:
        assert time.monotonic() < deadline, "not all have come"
        client.noop()
    assert subjects(client, "Outbox") == []
    # To another host twice, where the worker was killed before it knew (RFC 5321 section 4.2.5); in Sent once.
    assert sorted(each for each in subjects(client, "Sent") if each in expected) == sorted(expected)
    client.logout()
