"""Every fact that the store states has its words in IMAP."""

import pytest

from mailboxes import exceptions as facts
from mailboxes.imap.refusals import CODES, Refused, word_refusal
from mailhost.net.store_threads import StoreUnavailable

EVERY_FACT = [
    fact
    for fact in vars(facts).values()
    if isinstance(fact, type) and issubclass(fact, facts.MailboxFact) and fact is not facts.MailboxFact
]


@pytest.mark.parametrize("fact", EVERY_FACT)
def test_every_fact_is_a_no_with_a_code(fact: type[facts.MailboxFact]) -> None:
    error = fact.__new__(fact)
    reply = word_refusal(error, is_copy_target=False)
    assert reply.status == "NO"
    assert reply.code.removesuffix(" 0") in set(CODES.values())


def test_a_missing_target_may_be_created() -> None:
    missing = facts.MailboxNotFound("Trash")
    assert word_refusal(missing, is_copy_target=True).code == "TRYCREATE"
    assert word_refusal(missing, is_copy_target=False).code == "NONEXISTENT"


def test_the_store_away_and_the_doors_own_refusals() -> None:
    assert word_refusal(StoreUnavailable("away"), is_copy_target=True).code == "UNAVAILABLE"
    assert word_refusal(Refused("no", "CANNOT"), is_copy_target=False).code == "CANNOT"
