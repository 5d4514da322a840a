"""Numbers of one's own for Junk, quarantine and refusal, with what holds without them."""

import pytest
from django.test import Client

from domains.registration import change_domain
from domains.scores import InForce
from mailboxes.accounts import change_account
from mailboxes.models import Account
from mailhost.audit.models import Act
from mailhost.webmail.scale import stretches

PAGE = "/mail/filters/"


def shown(client: Client) -> list[str]:
    """The pieces of the scale."""
    response = client.get(PAGE)
    assert response.status_code == 200
    return [f"{each.start or 0:g} {each.kind}" for each in response.context["scale"]]


def test_the_scale_shows_what_holds_whoever_says_it(signed_in: Client, alice: Account) -> None:
    assert shown(signed_in) == ["0 inbox", "5 junk", "15 refused"]
    page = signed_in.get(PAGE).content.decode()
    assert "Empty: as this host has it, 5." in page
    assert "Empty: as this host has it, never." in page
    change_domain(name=alice.login.partition("@")[2], quarantine_score=8, by="test")
    assert shown(signed_in) == ["0 inbox", "5 junk", "8 held", "15 refused"]
    assert "Empty: as your domain has it, 8." in signed_in.get(PAGE).content.decode()
    change_account(account_id=alice.pk, refuse_score=0, by="test")
    assert shown(signed_in) == ["0 inbox", "5 junk", "8 held"]


def test_own_numbers_are_kept_and_taken_away_with_a_trail(signed_in: Client, alice: Account) -> None:
    numbers = {"junk_score": "4.5", "quarantine_score": "", "refuse_score": "0"}
    page = signed_in.post(PAGE, numbers, follow=True).content.decode()
    assert "Your filter goes by these numbers from now on." in page
    assert 'value="4.5"' in page
    alice.refresh_from_db()
    assert (alice.junk_score, alice.quarantine_score, alice.refuse_score) == (4.5, None, 0)
    act = Act.objects.get(verb="account changed", subject=alice.login)
    assert (act.actor, act.details) == (alice.login, {"junk_score": 4.5, "refuse_score": 0.0})
    signed_in.post(PAGE, dict.fromkeys(numbers, ""))
    alice.refresh_from_db()
    assert (alice.junk_score, alice.refuse_score) == (None, None)


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"junk_score": "0"}, "Junk score: between 1 and 50 points."),
        ({"refuse_score": "51"}, "Refuse score: 0 (never), or between 1 and 50 points."),
        ({"junk_score": "20"}, "Junk cannot begin at 20 points: from 15 on, mail is refused."),
        ({"junk_score": "nan"}, "Enter a number."),
    ],
)
def test_numbers_that_cannot_be_are_told_beside_them(
    signed_in: Client, alice: Account, numbers: dict[str, str], words: str
) -> None:
    answer = signed_in.post(PAGE, numbers)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    alice.refresh_from_db()
    assert alice.junk_score is None


def test_the_picture_is_whole_and_leaves_out_what_never_happens() -> None:
    scores = {"junk_score": InForce(5, 0), "quarantine_score": InForce(10, 0), "refuse_score": InForce(10, 0)}
    found = stretches(scores)
    assert [(each.kind, each.end) for each in found] == [("inbox", 5), ("junk", 10), ("refused", None)]
    assert [(each.x, each.width) for each in found] == [(0, 40), (40, 40), (80, 20)]
    alone = {**scores, "quarantine_score": InForce(0, 2), "refuse_score": InForce(0, 2)}
    assert [each.kind for each in stretches(alone)] == ["inbox", "junk"]
