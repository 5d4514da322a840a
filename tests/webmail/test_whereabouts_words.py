"""What became of a message, in words: of every state, of what came back, and of what somebody says."""

from collections.abc import Iterable

import pytest
from django.test import Client
from django.utils import timezone

from delivery.models import (
    QueuedRecipient,
    RecipientState,
    ReturnedKind,
)
from delivery.returned import note_returned
from delivery.status import Counts
from mailboxes.models import Account
from mailhost.protocols.bounce_causes import Cause
from mailhost.webmail.whereabouts import digest
from tests.webmail.test_compose import write
from tests.webmail.test_whereabouts import TLS, became, marks, page_of, relaying

__all__ = ["relaying"]


@pytest.mark.parametrize(
    ("states", "line"),
    [
        ({"delivered": 3}, "All 3 delivered"),
        ({"deferred": 2}, "All 2 wait"),
        ({"bounced": 1, "expired": 1}, "All 2 did not arrive"),
        ({"delivered": 12, "bounced": 1, "deferred": 1}, "12 of 14 delivered, 1 did not arrive, 1 waits"),
        ({"queued": 2, "held": 1}, "1 of 3 held for an operator, 2 on their way"),
        ({"captured": 1, "cancelled": 1}, "1 of 2 kept on this host, 1 cancelled"),
    ],
)
def test_one_line_tells_of_all(states: dict[str, int], line: str) -> None:
    assert digest(Counts({RecipientState(state): number for state, number in states.items()})) == line


def test_every_state_has_its_words(signed_in: Client, alice: Account) -> None:
    write(signed_in, to="x@far.test")
    said: Iterable[tuple[str, str]] = (
        ("queued", "on its way"), ("waiting", "not sent yet"), ("held", "for an operator"), ("deferred", "waits"),
        ("delivered", "taken by"), ("bounced", "did not arrive"), ("expired", "it was tried until"),
        ("cancelled", "it was not sent"), ("captured", "kept on this host"),
    )  # fmt: skip
    assert {state for state, _ in said} == set(RecipientState)
    for state, words in said:
        became("x@far.test", state)
        assert words in page_of(signed_in, alice)


def test_an_alias_that_was_written_to_stands_beside_where_it_leads(signed_in: Client, alice: Account) -> None:
    write(signed_in, to="kim@far.test")
    QueuedRecipient.objects.filter(forward_path="kim@far.test").update(original_path="team@here.test")
    assert "(which team@here.test leads to)" in page_of(signed_in, alice)


def test_what_came_back_says_when_and_why(signed_in: Client, alice: Account) -> None:
    write(signed_in, to="back@far.test")
    became("back@far.test", "delivered", host="mx.far.test", tls=TLS)
    note_returned(
        kind=ReturnedKind.BOUNCE,
        recipient_id=QueuedRecipient.objects.get(forward_path="back@far.test").pk,
        cause=Cause.FULL,
        diagnostic="552 <b>full</b>",
        is_proven=True,
        now=timezone.now(),
    )
    page = " ".join(page_of(signed_in, alice).split())
    assert '<span class="who">back@far.test</span>: <b>came back</b> at <time' in page
    assert ", after mx.far.test had taken it. The recipient&#x27;s mailbox is full. Try again later" in page
    assert '<span class="reply">552 &lt;b&gt;full&lt;/b&gt;</span>' in page
    assert marks(signed_in, alice)[0] == "Did not arrive"


def test_what_nobody_vouches_for_is_somebodys_word(signed_in: Client, alice: Account) -> None:
    write(signed_in, to="back@far.test")
    became("back@far.test", "delivered", host="mx.far.test", tls=TLS)
    note_returned(
        kind=ReturnedKind.BOUNCE,
        recipient_id=QueuedRecipient.objects.get(forward_path="back@far.test").pk,
        cause=Cause.FULL,
        diagnostic="552 <b>full</b>",
        now=timezone.now(),
    )
    page = " ".join(page_of(signed_in, alice).split())
    assert "<b>taken by mx.far.test</b>" in page
    assert ". Somebody says that it came back, at <time" in page
    assert '; nothing proves it<span class="reply">552 &lt;b&gt;full&lt;/b&gt;</span>' in page
    assert "Did not arrive" not in str(marks(signed_in, alice))
