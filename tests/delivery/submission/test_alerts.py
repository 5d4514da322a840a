"""Who is told of accounts that send too much: operators and the domain's administrators, and none of them too often."""

from datetime import UTC, datetime

import pytest
from pytest_django.fixtures import Settings

from delivery.models import QueuedRecipient
from delivery.submission.admission import admit
from delivery.submission.alerts import MAX_A_DAY, alert
from delivery.submission.limits import SubmissionLimitReached
from domains.aliases import set_alias
from domains.registration import change_domain
from mailboxes.accounts import add_account, change_account
from mailboxes.administration import appoint_administrator, withdraw_administrator
from mailboxes.models import Account, Message
from mailboxes.store.fetch import fetch_octets
from mailhost.protocols.addresses import EmailAddress
from tests.support.hosting import PASSWORD, new_account, new_domain
from tests.webmail.mail import mailbox_id

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 27, 10, 20, tzinfo=UTC)


@pytest.fixture
def alice() -> Account:
    """Sends too much. The domain's oldest account, who would read postmaster@, is another one."""
    domain = new_domain()
    new_account("oldest", domain=domain)
    return new_account("alice", domain=domain)


def domain_of(account: Account) -> str:
    return account.login.partition("@")[2]


def neighbour(account: Account, local: str) -> Account:
    return Account.objects.get(login=f"{local}@{domain_of(account)}")


def appoint(alice: Account, account: Account) -> Account:
    appoint_administrator(domain=domain_of(alice), login=account.login, by="test")
    return account


def tell(alice: Account, key: str = "hold:1", *, account: Account | None = None) -> bool:
    return alert(
        key=f"{key}:{alice.login}",
        every_seconds=3_600,
        account_id=(account or alice).pk,
        domain=domain_of(alice),
        subject="Something is wrong",
        text="It looks hijacked.",
        now=NOW,
    )


def letters(account: Account) -> list[str]:
    where = mailbox_id(account)
    uids = Message.objects.filter(mailbox_id=where).order_by("uid").values_list("uid", flat=True)
    return [octets.decode() for _, octets in fetch_octets(mailbox_id=where, uids=list(uids))]


def test_administrators_and_operators_each_have_a_mail_of_their_own(alice: Account) -> None:
    ada, eve = appoint(alice, new_account("ada")), appoint(alice, new_account("eve"))
    root = add_account(
        address=EmailAddress("root", new_domain()), password=PASSWORD, is_operator=True, by="test"
    )
    assert tell(alice)
    for reader, why in (
        (ada, f"administer {domain_of(alice)}"),
        (eve, "administer"),
        (root, "are an operator"),
    ):
        [letter] = letters(reader)
        assert f"\r\nTo: {reader.login}\r\n" in letter
        assert "It looks hijacked." in letter
        assert f"You are told because you {why}" in letter
    assert letters(alice) == letters(neighbour(alice, "oldest")) == []


def test_without_administrators_whoever_reads_postmaster_is_told(alice: Account) -> None:
    assert tell(alice)
    assert len(letters(neighbour(alice, "oldest"))) == 1
    post = EmailAddress("postmaster", domain_of(alice))
    bob = new_account("bob")
    targets = [EmailAddress.parse(bob.login), EmailAddress.parse("desk@elsewhere.test")]
    set_alias(address=post, targets=targets, by="test")
    assert tell(alice, "hold:2")
    assert f"You are told because you read {post}" in letters(bob)[0]
    assert QueuedRecipient.objects.filter(
        forward_path="desk@elsewhere.test", message__reverse_path=""
    ).exists()


def test_who_administers_no_more_is_told_nothing(alice: Account) -> None:
    ada, eve = appoint(alice, new_account("ada")), appoint(alice, new_account("eve"))
    gone, shut = appoint(alice, new_account("gone")), appoint(alice, new_account("shut"))
    withdraw_administrator(domain=domain_of(alice), login=ada.login, by="test")
    change_account(account_id=gone.pk, is_enabled=False, by="test")
    change_domain(name=domain_of(shut), is_enabled=False, by="test")
    assert tell(alice)
    assert [len(letters(each)) for each in (ada, eve, gone, shut)] == [0, 1, 0, 0]


def test_the_account_itself_is_told_only_where_nobody_else_is(alice: Account) -> None:
    appoint(alice, alice)
    assert tell(alice)
    assert letters(alice) == []
    assert len(letters(neighbour(alice, "oldest"))) == 1  # who reads postmaster@
    lonely = new_account("lonely")
    assert tell(lonely)
    assert len(letters(lonely)) == 1


def test_a_full_mailbox_keeps_it_from_nobody_else(alice: Account) -> None:
    full, ada = appoint(alice, new_account("full", quota_octets=1)), appoint(alice, new_account("ada"))
    assert tell(alice)
    assert (letters(full), len(letters(ada))) == ([], 1)


def test_each_matter_is_told_once_in_its_time_and_no_more_than_so_many_a_day(alice: Account) -> None:
    ada = appoint(alice, new_account("ada"))
    assert [tell(alice) for _ in range(3)] == [True, False, False]
    for number in range(MAX_A_DAY + 3):
        tell(alice, f"limit:{number}")
    assert len(letters(ada)) == 1 + MAX_A_DAY  # holds are not silenced by limits, nor limits by holds
    assert not tell(alice, "limit:more")
    assert tell(alice, "hold:2")


def test_a_limit_of_an_hour_is_told_apart_from_that_of_the_day(alice: Account, settings: Settings) -> None:
    ada = appoint(alice, new_account("ada"))

    def submit() -> None:
        admit(account_id=alice.pk, recipients=[EmailAddress("x", "far.example")], peer="", now=NOW)

    settings.ACCOUNT_MESSAGES_PER_HOUR, settings.ACCOUNT_MESSAGES_PER_DAY = 1, 0
    submit()
    for _ in range(3):
        with pytest.raises(SubmissionLimitReached, match="per hour"):
            submit()
    settings.ACCOUNT_MESSAGES_PER_HOUR, settings.ACCOUNT_MESSAGES_PER_DAY = 0, 1
    for _ in range(3):
        with pytest.raises(SubmissionLimitReached, match="per day"):
            submit()
    assert ["per hour" in letter for letter in letters(ada)] == [True, False]
