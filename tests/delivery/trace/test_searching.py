"""The search over inbound trace, queue and outbound trace: who sees what, what finds it, and its pages."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from delivery import trace
from delivery.models import Attempt, Destination, InboundTrace, QueuedMessage, QueuedRecipient
from delivery.models.trace import Event, Outcome
from delivery.trace import Noted
from delivery.trace.asking import EVERYTHING, Asked, Scope
from delivery.trace.searching import Found, PlaceInvalid, find
from mailboxes.models import Account
from tests.support.hosting import new_account

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
MINUTE = timedelta(minutes=1)
STRANGER = "Stranger@Far.test"
NOTED = Noted(
    at=NOW,
    session="00000000000000aa",
    trace_id="00000000000000bb",
    peer="192.0.2.1",
    helo="client.far.test",
    tls="TLSv1.3",
    login="",
    reverse_path=STRANGER,
    forward_path="bob@here.test",
    domain="here.test",
    account_id=None,
    message_id="<1@far.test>",
    size_octets=1234,
    outcome=Outcome.ACCEPTED,
    reply="250 2.0.0 Ok",
)


@pytest.fixture(autouse=True)
def empty(db: None) -> None:
    """What other tests have committed is not looked for here."""
    for model in (QueuedMessage, Destination, Attempt, InboundTrace):
        model._default_manager.all().delete()


@dataclass(frozen=True)
class Case:
    """A row, and whose it is. sent_as: the domain under whose name it was submitted or forwarded, "" for none."""

    source: str
    reverse_path: str
    forward_path: str
    state: str
    sent_by: Account | None
    sent_as: str
    arrived_at: Account | None

    @property
    def to(self) -> str:
        return self.forward_path.rpartition("@")[2].lower()


def visible_state(case: Case, scope: Scope) -> str | None:
    """What the scope sees of the row, worked out from what Scope promises; None for nothing."""
    if scope.sees_all:
        return case.state
    is_sender = case.sent_as in scope.domains
    is_sender |= (
        case.sent_by is not None and scope.account_id is not None and case.sent_by.pk == scope.account_id
    )
    is_recipient = case.to in scope.domains
    match case.source:
        case "inbound":
            is_recipient = is_recipient and case.state != "waiting"
            arrived = case.arrived_at is not None and case.arrived_at.pk == scope.account_id
            if is_recipient or arrived:
                return case.state
            if is_sender:
                # A domain that may not see that it waits is no recipient, but it is masked for others only.
                return "accepted" if case.state == "junk" else case.state
            return None
        case "queue":
            is_recipient = is_recipient and case.state in ("queued", "deferred")
        case _:
            is_recipient = is_recipient and case.state in ("delivered", "deferred", "bounced", "expired")
    return case.state if is_sender or is_recipient else None


def cases(alice: Account, bob: Account) -> Iterator[Case]:
    """Every way from and to two domains here and elsewhere, in every state of every source."""
    people: dict[str, Account | None] = {alice.login: alice, bob.login: bob, STRANGER: None}
    for (sender, account), (recipient, there) in product(people.items(), people.items()):
        for outcome, is_submitted in product(Outcome, (True, False)):
            if is_submitted and account is None:
                continue
            arrives = outcome in (Outcome.ACCEPTED, Outcome.JUNK, Outcome.QUARANTINED)
            yield Case(
                "inbound",
                sender,
                recipient,
                outcome.name.lower(),
                account if is_submitted else None,
                domain_of(sender) if is_submitted else "",
                there if arrives else None,
            )
        for event in Event:
            yield Case("outbound", sender, recipient, event.value, account, domain_of(sender), None)
        for state in ("queued", "waiting", "held", "deferred"):
            yield Case("queue", sender, recipient, state, account, domain_of(sender), None)
    # What an alias of Bob's domain forwards is Bob's domain's, whatever its sender calls himself.
    for source, state in (("queue", "held"), ("outbound", "held")):
        yield Case(source, alice.login, STRANGER, state, None, domain_of(bob.login), None)


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()


def write(case: Case, number: int) -> None:
    """As submission, sessions and workers write it. Its Message-ID says which one it is."""
    message_id = f"<{number}@case>"
    if case.source == "inbound":
        noted = replace(
            NOTED,
            reverse_path=case.reverse_path,
            forward_path=case.forward_path,
            domain=case.to,
            login=case.sent_by.login if case.sent_by else "",
            account_id=case.arrived_at.pk if case.arrived_at else None,
            message_id=message_id,
            outcome=Outcome[case.state.upper()],
        )
        trace.write([noted])
        return
    if case.source == "outbound":
        Attempt.objects.create(
            recipient_id=number,
            queue_id=number,
            account_id=case.sent_by.pk if case.sent_by else None,
            reverse_path=case.reverse_path,
            forward_path=case.forward_path,
            domain=case.to,
            sender_domain=case.sent_as,
            message_id=message_id,
            at=NOW,
            outcome=case.state,
        )
        return
    queued(
        case.forward_path,
        case.state,
        reverse_path=case.reverse_path,
        account=case.sent_by,
        forwarded_by="" if case.sent_as == domain_of(case.reverse_path) else case.sent_as,
        message_id=message_id,
    )


def queued(
    forward_path: str,
    state: str = "queued",
    *,
    reverse_path: str = "alice@here.test",
    account: Account | None = None,
    forwarded_by: str = "",
    message_id: str = "<q@here.test>",
    at: datetime = NOW,
    failures: int = 0,
) -> QueuedRecipient:
    destination, _ = Destination.objects.get_or_create(
        name=domain_of(forward_path), defaults={"failures": failures, "last_reply": "No answer"}
    )
    message = QueuedMessage.objects.create(
        content_id=1,
        account=account,
        reverse_path=reverse_path,
        size_octets=1,
        created_at=at,
        expires_at=at + 7200 * MINUTE,
        message_id_field=message_id,
        forwarded_by=forwarded_by,
    )
    return QueuedRecipient.objects.create(
        message=message, destination=destination, forward_path=forward_path, state=state, next_attempt_at=at
    )


def test_everybody_sees_their_own_and_nothing_else() -> None:
    alice, bob = new_account("alice"), new_account("bob")
    written = list(enumerate(cases(alice, bob)))
    for number, case in written:
        write(case, number)
    scopes = [EVERYTHING, Scope()]
    for domains, account in product(
        (
            (),
            (domain_of(alice.login),),
            (domain_of(bob.login),),
            (domain_of(alice.login), domain_of(bob.login)),
        ),
        (None, alice, bob),
    ):
        login = account.login if account else ""
        scopes.append(Scope(domains=domains, account_id=account.pk if account else None, login=login))
    # Once as the newest of all, and once each way in which something leads to the row.
    asked = [Asked(), Asked(text=alice.login), Asked(sender=alice.login), Asked(recipient=STRANGER)]
    for scope, what in product(scopes, asked):
        expected = {
            (case.source, f"<{number}@case>", seen)
            for number, case in written
            if (seen := visible_state(case, scope)) is not None and _is_meant(case, what, alice)
        }
        assert {(row.source, row.message_id, row.state) for row in everything(what, scope)} == expected
    assert len(written) > 200


def _is_meant(case: Case, asked: Asked, alice: Account) -> bool:
    if asked.text:
        return alice.login in (case.reverse_path, case.forward_path)
    if asked.sender:
        return case.reverse_path == alice.login
    return case.forward_path == STRANGER if asked.recipient else True


def everything(asked: Asked, scope: Scope = EVERYTHING, *, limit: int = 500) -> list[Found]:
    page = find(asked, scope, limit=limit, now=NOW)
    assert not page.following
    return list(page.rows)


@pytest.mark.parametrize("state", ["junk", "accepted"])
def test_that_a_filter_put_it_into_junk_is_not_found_by_its_sender(state: str) -> None:
    alice, bob = new_account("alice"), new_account("bob")
    trace.write(
        [
            replace(
                NOTED,
                login=alice.login,
                reverse_path=alice.login,
                domain=domain_of(bob.login),
                account_id=bob.pk,
                outcome=Outcome.JUNK,
            )
        ]
    )
    sender = Scope(account_id=alice.pk, login=alice.login)
    recipient = Scope(account_id=bob.pk, login=bob.login)
    found = [len(everything(Asked(states=(state,)), each)) for each in (sender, recipient)]
    assert found == ([0, 1] if state == "junk" else [1, 0])


def all_three() -> None:
    """One message, brought, queued and tried."""
    trace.write([replace(NOTED, at=NOW - 2 * MINUTE, subject="Minutes of the Assembly")])
    queued("bob@here.test", reverse_path=STRANGER, message_id="<1@far.test>", at=NOW - MINUTE)
    message_id = QueuedMessage.objects.get().pk
    Attempt.objects.create(
        recipient_id=1,
        queue_id=message_id,
        reverse_path=STRANGER,
        forward_path="bob@here.test",
        domain="here.test",
        sender_domain="far.test",
        message_id="<1@far.test>",
        subject="Minutes of the Assembly",
        at=NOW,
        host="MX.There.test",
        address="2001:db8::1",
        outcome="deferred",
    )
    others = replace(
        NOTED,
        session="cc",
        trace_id="dd",
        peer="192.0.2.9",
        reverse_path="x@y.test",
        forward_path="z@y.test",
        domain="y.test",
        message_id="<9@y.test>",
        subject="Something else",
    )
    trace.write([others])
    queued("z@y.test", reverse_path="x@y.test", message_id="<9@y.test>")


ALL = ["outbound", "queue", "inbound"]


@pytest.mark.parametrize(
    ("asked", "sources"),
    [
        (Asked(text="BOB@here.test"), ALL),
        (Asked(text="stranger@far.test"), ALL),
        (Asked(text="<1@far.test>"), ALL),
        (Asked(text=" 1@far.test "), ALL),
        (Asked(text="here.test"), ALL),
        (Asked(text="far.test"), ["outbound"]),
        (Asked(text="00000000000000bb"), ["inbound"]),
        (Asked(text="00000000000000aa"), ["inbound"]),
        (Asked(text="192.0.2.1"), ["inbound"]),
        (Asked(text="2001:DB8::1"), ["outbound"]),
        (Asked(text="mx.there.test"), ["outbound"]),
        (Asked(text="assembly minutes"), ["outbound", "inbound"]),
        (Asked(subject="minutes"), ["outbound", "inbound"]),
        (Asked(subject="minute"), []),
        (Asked(sender="STRANGER@far.test"), ALL),
        (Asked(recipient="Bob@Here.test"), ALL),
        (Asked(sender="stranger@far.test", recipient="z@y.test"), []),
        (Asked(message_id="1@far.test"), ALL),
        (Asked(address="192.0.2.1"), ["inbound"]),
        (Asked(address="mx.there.test"), ["outbound"]),
        (Asked(text="bob@here.test", address="2001:db8::1"), ["outbound"]),
        (Asked(text="bob@here.test", states=("deferred",)), ["outbound"]),
        (Asked(text="bob@here.test", states=("queued", "accepted")), ["queue", "inbound"]),
        (Asked(states=("deferred",)), ["outbound"]),
        (Asked(until=NOW - MINUTE), ["inbound"]),
        (Asked(text="bob@here.test", since=NOW - MINUTE), ["outbound", "queue"]),
        (Asked(text="bob@here.test", since=NOW - MINUTE, until=NOW), ["queue"]),
        (Asked(text="nobody@here.test"), []),
        (Asked(text="no\0body"), []),
        (Asked(text="Q"), []),
        (Asked(text="%"), []),
        (Asked(text="'; --"), []),
    ],
    ids=str,
)
def test_a_message_is_found_by_whatever_is_known_of_it(asked: Asked, sources: list[str]) -> None:
    all_three()
    assert [row.source for row in everything(asked)] == sources


def test_it_is_found_by_the_number_that_the_queue_calls_it() -> None:
    all_three()
    number = QueuedMessage.objects.get(reverse_path=STRANGER).pk
    assert [row.source for row in everything(Asked(text=f"q{number}"))] == ["outbound", "queue"]


def test_the_null_reverse_path_is_a_sender() -> None:
    queued("bob@here.test", reverse_path="")
    queued("bob@here.test")
    assert [row.reverse_path for row in everything(Asked(sender="<>"))] == [""]


def test_what_waits_for_a_host_that_fails_is_put_off_with_its_words() -> None:
    queued("bob@dead.test", failures=3)
    [row] = everything(Asked(states=("deferred",)))
    assert (row.state, row.reply, row.name, row.source) == ("deferred", "No answer", "dead.test", "queue")
    assert everything(Asked(states=("queued",))) == []


def test_pages_have_each_row_once_while_others_come_and_go() -> None:
    for number in range(20):
        at = NOW - number * MINUTE
        trace.write([replace(NOTED, at=at, message_id=f"<i{number}@x>")])
        Attempt.objects.create(recipient_id=1, at=at, message_id=f"<o{number}@x>", outcome="delivered")
    for number in range(20):  # the last one queued is the newest
        queued("bob@far.test", message_id=f"<q{19 - number}@x>", at=NOW - (19 - number) * MINUTE)
    seen, after = [], ""
    while True:
        page = find(Asked(), EVERYTHING, limit=7, now=NOW, after=after)
        seen += [row.message_id for row in page.rows]
        trace.write([replace(NOTED, at=NOW + MINUTE, message_id="<new@x>")])
        queued("bob@far.test", message_id="<newer@x>", at=NOW + MINUTE)
        after = page.following
        if not after:
            break
    assert sorted(seen) == sorted(f"<{kind}{number}@x>" for kind in "ioq" for number in range(20))
    assert [int(each[2:-3]) for each in seen] == sorted(int(each[2:-3]) for each in seen)


@pytest.mark.parametrize(
    "after",
    [
        *("x", "1/2/3/4/5", "2026-01-01/1/1/2026-01-01/1", "////", "é" * 40),
        "0001-01-01T00:00:00+14:00/1/1/2026-01-01T00:00:00Z/1",
        "2026-01-01T00:00:00Z/1/1/9999-12-31T23:59:59-14:00/1",
    ],
)
def test_a_place_that_no_page_told_is_none(after: str) -> None:
    with pytest.raises(PlaceInvalid):
        find(Asked(), EVERYTHING, limit=1, now=NOW, after=after)
