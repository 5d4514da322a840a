"""Which rows a filter reads, beside all that is kept."""

import pytest
from django.db import connection

from delivery.models import RecipientState
from delivery.queue.filtering import QueueFilter, find

pytestmark = pytest.mark.django_db
EACH_HAS_SOME = {RecipientState.QUEUED, RecipientState.DELIVERED}
"""Of these there are many wherever mail is, and an index would cost each message."""


@pytest.mark.parametrize("state", sorted(set(RecipientState) - EACH_HAS_SOME))
def test_what_is_rare_is_found_by_its_state(state: RecipientState) -> None:
    with connection.cursor() as sql:
        sql.execute("SET LOCAL enable_seqscan = off")  # small tables are read as a whole, where they may be
    plan = find(QueueFilter(states=(state,))).explain()
    assert "recipient_set_aside" in plan, plan


def test_an_address_is_looked_for_in_two_indexes() -> None:
    with connection.cursor() as sql:
        sql.execute("SET LOCAL enable_seqscan = off")
    plan = find(QueueFilter(recipient="team@here.test", states=tuple(RecipientState))).explain()
    assert "queued_by_forward_path" in plan, plan
    assert "queued_by_original_path" in plan, plan
