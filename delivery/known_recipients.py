"""Whom accounts have written to: what makes a recipient one of the first time, or not."""

from collections.abc import Iterable, Sequence
from typing import Final

from django.conf import settings

from mailhost.net.database import cursor

# condition: more of it, from "AND" on.
NOTE_KNOWN: Final = """
INSERT INTO delivery_knownrecipient (account_id, address)
SELECT account_id, address FROM unnest(%(account_ids)s::bigint[], %(addresses)b::text[]) noted(account_id, address)
 WHERE EXISTS (SELECT FROM mailboxes_account account WHERE account.id = noted.account_id) {condition}
 ORDER BY account_id, address
    ON CONFLICT DO NOTHING
"""
NOTE: Final = NOTE_KNOWN.format(condition="").encode()
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
    noted = fitting(known)
    if noted:
        account_ids, addresses = zip(*noted, strict=True)
        with cursor() as sql:
            sql.execute(NOTE, {"account_ids": list(account_ids), "addresses": list(addresses)})


def fitting(known: Iterable[tuple[int | None, str]]) -> list[tuple[int, str]]:
    """What can be remembered of these pairs, each once, in the order in which they are written."""
    pairs = {(account_id, address) for account_id, address in known if len(address) <= MAX_ADDRESS}
    return sorted((account_id, address) for account_id, address in pairs if account_id is not None)


def forget_recipients() -> int:
    """Takes out the oldest of accounts that have more than is remembered; how many."""
    with cursor() as sql:
        most = settings.MAX_KNOWN_RECIPIENTS
        return int(sql.execute(FORGET, (most, most)).rowcount)
