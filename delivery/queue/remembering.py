"""What a look learned about its destination, for the next one."""

from django.db import transaction

from delivery.queue.claim import is_own
from delivery.queue.values import Claim
from mailhost.net.database import cursor

REMEMBER = b"UPDATE delivery_destination SET connections = %s WHERE id = %s"


def remember_connections(*, claim: Claim, connections: int) -> None:
    """How many connections it had borne at last. Nothing where the claim is lost."""
    with transaction.atomic(), cursor() as sql:
        if is_own(claim):
            sql.execute(REMEMBER, (connections, claim.destination_id))
