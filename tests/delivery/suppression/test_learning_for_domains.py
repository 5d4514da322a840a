"""What happened to two accounts of a domain holds for all, or what happened to one, or nothing: as it is set."""

import pytest

from delivery.models import ReturnedKind, Suppression
from delivery.suppression import suppressed_among
from delivery.suppression_lists import lift, list_of_account, list_of_domains, suppress
from domains.models import SuppressionLearning
from domains.registration import set_suppression_learning
from mailboxes.models import Account
from mailhost.protocols.addresses import EmailAddress
from tests.delivery.suppression.test_learning import (
    DAY,
    GONE,
    alice,
    come_back,
    end,
    on_list,
    relaying,
    send,
    submit,
)
from tests.support.hosting import new_account
from tests.support.queueing import NOON
from tests.webmail.conftest import Statements, statements

__all__ = ["alice", "relaying", "statements"]

BOB = "bob@far.test"
ACCOUNTS, SEVERAL, DOMAIN = SuppressionLearning


@pytest.fixture
def carol(alice: Account) -> Account:
    return new_account("carol", domain=domain_of(alice))


@pytest.fixture
def dave(alice: Account) -> Account:
    """A third one, who has sent nothing."""
    return new_account("dave", domain=domain_of(alice))


def domain_of(account: Account) -> str:
    return account.login.partition("@")[2]


def learn(account: Account, learning: SuppressionLearning) -> None:
    set_suppression_learning(name=domain_of(account), learning=learning, by="test")


def of_domain() -> Suppression:
    return Suppression.objects.get(domain__isnull=False)


def test_what_came_back_to_two_accounts_holds_for_all(alice: Account, carol: Account, dave: Account) -> None:
    send(alice, BOB)
    assert on_list(dave, BOB) == []
    send(carol, BOB, now=NOON + DAY)
    assert on_list(dave, BOB, "eve@far.test", now=NOON + DAY) == [BOB]
    row = of_domain()
    assert (row.source, row.cause, row.count) == ("bounce", "no-such-user", 2)
    assert (row.first_at, row.since, row.expires_at) == (NOON, NOON + DAY, NOON + 31 * DAY)
    assert row.evidence == "550 5.1.1 no such user"
    [found] = suppressed_among(account_id=alice.pk, addresses=[BOB], now=NOON + DAY).values()
    assert (found.is_domains, found.who_lifts) == (True, "An administrator of your domain can lift it.")
    assert on_list(new_account("eve"), BOB, now=NOON + DAY) == []


def test_what_came_back_to_one_account_is_its_own_however_often(alice: Account, dave: Account) -> None:
    for _ in range(4):
        send(alice, BOB)
    assert on_list(alice, BOB) == [BOB]
    assert on_list(dave, BOB) == []


def test_it_must_be_within_the_time(alice: Account, carol: Account, dave: Account) -> None:
    send(alice, BOB)
    send(carol, BOB, now=NOON + 30 * DAY)
    assert on_list(dave, BOB, now=NOON + 30 * DAY) == []
    send(alice, BOB, now=NOON + 31 * DAY)
    assert on_list(dave, BOB, now=NOON + 31 * DAY) == [BOB]


def test_a_complaint_is_one_senders_and_two_are_the_domains(
    alice: Account, carol: Account, dave: Account
) -> None:
    come_back(alice, BOB, ReturnedKind.COMPLAINT)
    assert on_list(dave, BOB) == []
    come_back(carol, BOB, ReturnedKind.COMPLAINT)
    assert on_list(dave, BOB, now=NOON + 364 * DAY) == [BOB]
    assert of_domain().source == "complaint"


def test_a_bounce_and_a_complaint_do_not_make_two(alice: Account, carol: Account, dave: Account) -> None:
    come_back(alice, BOB, ReturnedKind.COMPLAINT)
    send(carol, BOB)
    assert on_list(dave, BOB) == []


def test_other_domains_accounts_are_no_second_one(alice: Account) -> None:
    send(alice, BOB)
    send(new_account("eve"), BOB)
    assert not Suppression.objects.filter(domain__isnull=False).exists()


def test_a_domain_may_learn_from_each_of_its_accounts(alice: Account, dave: Account) -> None:
    learn(alice, DOMAIN)
    send(alice, BOB)
    assert on_list(dave, BOB) == []  # once is no proof, as ever
    send(alice, BOB)
    assert on_list(dave, BOB) == [BOB]
    come_back(alice, "eve@far.test", ReturnedKind.COMPLAINT)
    assert on_list(dave, "eve@far.test") == ["eve@far.test"]


def test_a_domain_may_learn_nothing(alice: Account, carol: Account, dave: Account) -> None:
    learn(alice, ACCOUNTS)
    for sender in (alice, carol, alice, carol):
        send(sender, BOB)
    assert (on_list(alice, BOB), on_list(carol, BOB), on_list(dave, BOB)) == ([BOB], [BOB], [])


def test_who_lifts_the_domains_has_it_counted_anew(alice: Account, carol: Account, dave: Account) -> None:
    for sender in (alice, carol, alice):
        send(sender, BOB)
    among = list_of_domains(domains=[domain_of(alice)])
    lift(suppression_id=of_domain().pk, among=among, by="admin")
    assert [on_list(each, BOB) for each in (alice, carol, dave)] == [[], [], []]
    send(alice, BOB)
    assert on_list(dave, BOB) == []
    send(carol, BOB)
    assert on_list(dave, BOB) == [BOB]


def test_who_was_complained_about_stays_so_where_the_domains_is_lifted(
    alice: Account, carol: Account, dave: Account
) -> None:
    for sender in (alice, carol):
        come_back(sender, BOB, ReturnedKind.COMPLAINT)
    lift(suppression_id=of_domain().pk, among=list_of_domains(domains=[domain_of(alice)]), by="admin")
    assert [on_list(each, BOB) for each in (alice, carol, dave)] == [[BOB], [BOB], []]


def test_an_account_lifts_its_own_and_not_the_domains(alice: Account, carol: Account) -> None:
    for sender in (alice, alice, carol):
        send(sender, BOB)
    own = list_of_account(account_id=alice.pk)
    lift(suppression_id=own.get().pk, among=own, by=alice.login)
    assert on_list(alice, BOB) == [BOB]
    assert own.count() == 0


def test_what_an_administrator_put_there_keeps_its_reason(alice: Account, carol: Account) -> None:
    bob = EmailAddress.parse(BOB)
    suppress(address=bob, domain=domain_of(alice), reason="He asked us to.", by="admin", now=NOON)
    send(alice, BOB)
    send(carol, BOB)
    row = of_domain()
    assert (row.source, row.evidence, row.expires_at) == ("hand", "He asked us to.", None)


def test_what_accounts_put_there_by_hand_teaches_nobody(
    alice: Account, carol: Account, dave: Account
) -> None:
    for sender in (alice, carol):
        suppress(address=EmailAddress.parse(BOB), account_id=sender.pk, by=sender.login, now=NOON)
        send(sender, BOB)
    assert on_list(dave, BOB) == []


def test_any_number_takes_one_statement_more(
    alice: Account, carol: Account, dave: Account, statements: Statements
) -> None:
    for sender in (alice, carol):
        submit(sender, *(f"r{number}@far.test" for number in range(40)))
    with statements() as seen:
        end(GONE)
    assert sum("delivery_suppression" in each for each in seen) == 2
    assert len(on_list(dave, *(f"r{number}@far.test" for number in range(40)))) == 40
