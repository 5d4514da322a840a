"""A suppressed recipient is refused while a client submits, or told of by a notice; and what must pass does."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from delivery.models import QueuedRecipient, Suppression, SuppressionSource
from delivery.submission.handing_in import HandIn, hand_in
from delivery.suppressing_senders import SuppressingSenders
from delivery.suppression import suppressed_among, suppressed_for
from delivery.suppression_lists import lift, list_of_account, suppress
from domains.aliases import set_alias
from domains.models import Domain
from mailboxes.authentication import Principal
from mailboxes.models import Account
from mailhost.audit.models import Act
from mailhost.net.store_threads import in_store
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.dsn_words import meaning
from tests.conversations.smtp.conftest import smtp
from tests.conversations.smtp.listening import Doors
from tests.conversations.smtp.test_submission import submit
from tests.support.hosting import new_account
from tests.support.transcript import converse
from tests.webmail.conftest import Statements, statements

__all__ = ["smtp", "statements"]

BOB = EmailAddress("Bob", "far.test")
MAIL = "C: MAIL FROM:<{me}>\nS: 250 …\n"
TEXT = "C: DATA\nS: 354 …\nC: From: {me}\nC: Subject: x\nC: \nC: text\nC: .\nS: 250 …\n"
REFUSED = (
    "550 5.7.1 bob@far.test was put on the suppression list on {day}: He asked me to. You can lift it in webmail, "
    "under Your account, Suppressed addresses."
)


@pytest.fixture
def alice(smtp: Doors) -> Account:
    return new_account("alice")


@pytest.fixture
def refusing(smtp: Doors) -> Iterator[None]:
    """What is known of lists is as old as it may be, every time."""
    seconds = iter(range(0, 1_000_000, 10))
    smtp.host.suppressing = SuppressingSenders(
        clock=lambda: datetime.now(UTC), monotonic=lambda: float(next(seconds))
    )
    yield
    smtp.host.suppressing = None


def put(
    account: Account, *, domain: str = "", address: EmailAddress = BOB, reason: str = "He asked me to."
) -> Suppression:
    return suppress(
        address=address,
        account_id=None if domain else account.pk,
        domain=domain,
        reason=reason,
        by="test",
        now=datetime.now(UTC),
    )


def refused() -> str:
    return REFUSED.format(day=f"{datetime.now(UTC):%Y-%m-%d}")


def test_it_is_refused_where_it_is_named(smtp: Doors, alice: Account, refusing: None) -> None:
    submit(smtp, alice, f"{MAIL}C: RCPT TO:<BOB@far.test>\nS: 250 …\n")
    put(alice)
    submit(
        smtp,
        alice,
        f"{MAIL}C: RCPT TO:<BOB@far.test>\nS: {refused()}\nC: RCPT TO:<carol@far.test>\nS: 250 …\n{TEXT}",
    )
    paths = QueuedRecipient.objects.filter(message__account=alice).values_list("forward_path", flat=True)
    assert list(paths) == ["carol@far.test"]


def test_it_is_taken_again_as_soon_as_it_is_lifted(smtp: Doors, alice: Account, refusing: None) -> None:
    entry = put(alice)
    submit(smtp, alice, f"{MAIL}C: RCPT TO:<bob@far.test>\nS: 550 5.7.1 …\n")
    lift(suppression_id=entry.pk, among=list_of_account(account_id=alice.pk), by=alice.login)
    submit(smtp, alice, f"{MAIL}C: RCPT TO:<bob@far.test>\nS: 250 …\n")
    assert Act.objects.filter(subject=alice.login, verb="suppression lifted").exists()


def test_a_domains_list_holds_for_its_accounts_and_no_others(
    smtp: Doors, alice: Account, refusing: None
) -> None:
    put(alice, domain=alice.login.partition("@")[2], reason="")
    why = f"bob@far.test was put on the suppression list on {datetime.now(UTC):%Y-%m-%d}"
    reply = f"550 5.7.1 {why}. An administrator of your domain can lift it."
    submit(smtp, alice, f"{MAIL}C: RCPT TO:<bob@far.test>\nS: {reply}\n")
    submit(smtp, new_account("eve"), f"{MAIL}C: RCPT TO:<bob@far.test>\nS: 250 …\n")


def test_behind_an_alias_it_is_refused_where_nobody_else_is_there(
    smtp: Doors, alice: Account, refusing: None
) -> None:
    """Else the others have it, and a notice tells."""
    here = alice.login.partition("@")[2]
    one, several = EmailAddress("one", here), EmailAddress("several", here)
    set_alias(address=one, targets=[BOB], by="test")
    set_alias(address=several, targets=[BOB, EmailAddress("carol", "far.test")], by="test")
    put(alice)
    refusal = f"C: RCPT TO:<{one}>\nS: {refused()}\n"
    submit(smtp, alice, f"{MAIL}{refusal}C: RCPT TO:<{several}>\nS: 250 …\n{TEXT}")
    rows = QueuedRecipient.objects.filter(message__account=alice).order_by("forward_path")
    bob, carol = rows
    assert (bob.forward_path.lower(), bob.state, bob.report_due) == ("bob@far.test", "bounced", "failed")
    assert (carol.forward_path, carol.report_due) == ("carol@far.test", "")


def test_behind_an_alias_it_is_told_of_where_a_message_is_handed_in_whole(alice: Account) -> None:
    several = EmailAddress("several", alice.login.partition("@")[2])
    set_alias(address=several, targets=[BOB, EmailAddress("carol", "far.test")], by="test")
    put(alice)
    given = HandIn(b"Subject: x\r\n\r\n", EmailAddress.parse(alice.login), (several,), "<1@here.test>")
    hand_in(given, account=alice, peer="", now=datetime.now(UTC))
    rows = QueuedRecipient.objects.filter(message__account=alice).values_list("forward_path", "state")
    assert {path.lower(): state == "bounced" for path, state in rows} == {
        "bob@far.test": True,
        "carol@far.test": False,
    }


@pytest.mark.parametrize("refuses", [True, False])
def test_notices_and_postmasters_pass(
    smtp: Doors, alice: Account, refusing: None, settings: Settings, refuses: bool
) -> None:
    """RFC 5321 section 4.5.1; and a notice, with the null reverse-path, is told to whom it concerns."""
    settings.SUPPRESS_REFUSES = refuses
    put(alice)
    Suppression.objects.create(
        account=alice,
        address="postmaster@far.test",
        source=SuppressionSource.BOUNCE,
        first_at=datetime.now(UTC),
        last_at=datetime.now(UTC),
        since=datetime.now(UTC),
    )
    submit(smtp, alice, f"{MAIL}C: RCPT TO:<postmaster@far.test>\nS: 250 …\n{TEXT}")
    submit(smtp, alice, f"C: MAIL FROM:<>\nS: 250 …\nC: RCPT TO:<bob@far.test>\nS: 250 …\n{TEXT}")
    states = QueuedRecipient.objects.filter(message__account=alice).values_list("state", flat=True)
    assert "bounced" not in states
    assert len(states) == 2


def test_what_comes_in_is_no_matter_of_the_list(smtp: Doors, alice: Account, refusing: None) -> None:
    put(alice, address=EmailAddress.parse(alice.login))
    converse(
        smtp.ports.smtp,
        f"S: 220 …\nC: HELO x\nS: 250 …\nC: MAIL FROM:<bob@far.test>\nS: 250 …\nC: RCPT TO:<{alice.login}>\nS: 250 …\n",
    )


def test_where_nothing_is_refused_a_notice_tells_of_it(
    smtp: Doors, alice: Account, refusing: None, settings: Settings
) -> None:
    settings.SUPPRESS_REFUSES = False
    put(alice)
    submit(
        smtp,
        alice,
        f"{MAIL}C: RCPT TO:<bob@far.test>\nS: 250 …\nC: RCPT TO:<carol@far.test>\nS: 250 …\n{TEXT}",
    )
    rows = {row.forward_path: row for row in QueuedRecipient.objects.filter(message__account=alice)}
    bob = rows["bob@far.test"]
    assert (bob.state, bob.last_status, bob.report_due, bob.attempts) == ("bounced", "5.7.1", "failed", 0)
    assert bob.last_reply == "Not sent. " + refused().removeprefix("550 5.7.1 ")
    assert rows["carol@far.test"].state != "bounced"
    what, step = meaning(bob.last_status, bob.last_reply)
    assert what.startswith("Nothing was sent to this address")
    assert "suppression list" in step


def test_notify_never_is_obeyed(smtp: Doors, alice: Account, refusing: None, settings: Settings) -> None:
    settings.SUPPRESS_REFUSES = False
    put(alice)
    submit(smtp, alice, f"{MAIL}C: RCPT TO:<bob@far.test> NOTIFY=NEVER\nS: 250 …\n{TEXT}")
    [row] = QueuedRecipient.objects.filter(message__account=alice)
    assert (row.state, row.report_due) == ("bounced", "")


def test_who_has_no_list_costs_no_look(smtp: Doors, alice: Account, statements: Statements) -> None:
    """One statement in five seconds for all sessions of a process; and none more for a message."""
    smtp.host.suppressing = SuppressingSenders(clock=lambda: datetime.now(UTC), monotonic=lambda: 0.0)
    script = f"{MAIL}C: RCPT TO:<bob@far.test>\nS: 250 …\n{TEXT}"
    submit(smtp, alice, script)
    with statements() as seen:
        submit(smtp, alice, script)
    smtp.host.suppressing = None
    assert not any("delivery_suppression" in each for each in seen)


def test_what_is_known_of_lists_grows_and_is_read_anew(alice: Account) -> None:
    eve, at = new_account("eve"), [0.0]
    knows = SuppressingSenders(clock=lambda: datetime.now(UTC), monotonic=lambda: at[0])

    async def asked(account: Account) -> bool:
        principal = Principal(account.pk, account.login, EmailAddress.parse(account.login), False)
        return await knows.among(principal, [BOB]) != {}

    async def story() -> None:
        await in_store(put, alice)
        assert await asked(alice)
        await in_store(put, eve)
        assert not await asked(eve)  # some seconds old
        at[0] = 6.0
        assert await asked(eve)
        await in_store(Suppression.objects.filter(account=alice).delete)
        assert not await asked(alice)
        at[0] = 4_000.0
        assert await asked(eve)
        assert alice.pk not in knows._owners

    asyncio.run(story())


def test_webmail_says_so_before_anything_is_sent(client: Client, alice: Account) -> None:
    put(alice)
    client.force_login(alice)
    words = {"subject": "Hello", "text": "kept", "send": "1", "to": "bob@far.test, carol@far.test"}
    answer = client.post("/mail/new/", words)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "was put on the suppression list" in text
    assert "kept" in text
    assert not QueuedRecipient.objects.filter(message__account=alice).exists()


@pytest.mark.parametrize(("hours", "is_held"), [(1, True), (-1, False)])
def test_an_entry_holds_until_it_expires(alice: Account, hours: int, is_held: bool) -> None:
    now = datetime.now(UTC)
    put(alice)
    Suppression.objects.update(expires_at=now + timedelta(hours=hours))
    found = suppressed_among(account_id=alice.pk, addresses=["bob@far.test"], now=now)
    assert list(found) == (["bob@far.test"] if is_held else [])


def test_a_domains_own_list_is_asked_by_any_of_its_names(alice: Account) -> None:
    domain = alice.login.partition("@")[2]
    put(alice)
    assert suppressed_for(domain=domain, address="bob@far.test", now=datetime.now(UTC)) is None
    put(alice, domain=domain)
    other = Domain.objects.create(name=f"also-{domain}", alias_of=Domain.objects.get(name=domain))
    for name in (domain, other.name):
        found = suppressed_for(domain=name, address="bob@far.test", now=datetime.now(UTC))
        assert found is not None
        assert found.is_domains
    assert suppressed_for(domain="far.test", address="bob@far.test", now=datetime.now(UTC)) is None


def test_other_servers_words_are_no_protocol(smtp: Doors, alice: Account, refusing: None) -> None:
    put(alice, reason="no\r\n250 yes \N{SNOWMAN}" + "x" * 900)
    why = f"bob@far.test was put on the suppression list on {datetime.now(UTC):%Y-%m-%d}"
    submit(
        smtp,
        alice,
        f"{MAIL}C: RCPT TO:<bob@far.test>\nS: 550 5.7.1 {why}: no??250 yes ?…\nC: NOOP\nS: 250 …\n",
    )
