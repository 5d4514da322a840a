"""Whom accounts have written to: what makes a recipient one of the first time, or not."""

from collections.abc import Sequence
from typing import Final

from django.conf import settings

from mailhost.net.database import cursor

NOTE = b"""
INSERT INTO delivery_knownrecipient (account_id, address)
SELECT account_id, address FROM unnest(%s::bigint[], %s::text[]) noted(account_id, address)
 WHERE EXISTS (SELECT FROM mailboxes_account account WHERE account.id = noted.account_id)
 ORDER BY account_id, address
    ON CONFLICT DO NOTHING
"""
FORGET = b"""
DELETE FROM delivery_knownrecipient
 WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY account_id ORDER BY id DESC) place
                                FROM delivery_knownrecipient
                               WHERE account_id IN (SELECT account_id FROM delivery_knownrecipient
                                                     GROUP BY account_id HAVING count(*) > %s)) known
               WHERE place > %s)
"""
MAX_ADDRESS: Final = 320  # RFC 5321 section 4.5.3.1: 64 and 255 octets, and the "@"


def note_recipients(known: Sequence[tuple[int, str]]) -> None:
    """Writes (account id, address) pairs, in the caller's transaction."""
    fitting = sorted({(account_id, address) for account_id, address in known if len(address) <= MAX_ADDRESS})
    if fitting:
        with cursor() as sql:
            sql.execute(NOTE, tuple(list(column) for column in zip(*fitting, strict=True)))


def forget_recipients() -> int:
    """Takes out the oldest of accounts that have more than is remembered; how many."""
    with cursor() as sql:
        most = settings.MAX_KNOWN_RECIPIENTS
        return int(sql.execute(FORGET, (most, most)).rowcount)
