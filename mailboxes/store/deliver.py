"""New mail into INBOXes: one statement, one round trip, one commit, however many messages.

All or nothing: where an account cannot take its share (somebody holds a lock, it is full or gone) nothing is written,
and the statement is asked again without the messages of that account. Those are left to append_batch, which waits, or
says why not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings

from mailboxes.exceptions import DiskNearlyFull
from mailboxes.store.append import CONTENT_COLUMNS, GIVEN_COLUMNS, GIVEN_CONTENTS, content_parameters
from mailboxes.store.values import NewContent
from mailhost.net.announcements import announce
from mailhost.net.disk import has_room
from mailhost.net.statements import BYTEA_OID, Row, Statement, Statements, binary_array

MAX_ATTEMPTS = 3  # each without the accounts that the one before could not serve
CONTENT_IDS_AT_ONCE = 100

CONTENT_IDS = Statement.parse("SELECT nextval('mailboxes_content_id_seq') FROM generate_series(1, %(count)s)")
# What it costs is mostly the start of each node of its plan: so sums and positions are worked out before it. The order
# of the locks does not matter to a statement that waits for none.
DELIVER = Statement.parse(f"""
WITH seat AS MATERIALIZED (
    SELECT share.account_id, share.messages, share.octets, mailbox.id AS mailbox_id, mailbox.uid_next,
           mailbox.highest_modseq + 1 AS modseq
      FROM unnest(%(accounts)s::bigint[], %(messages)s::integer[], %(octets_sums)s::bigint[])
           share(account_id, messages, octets)
      JOIN mailboxes_accountusage usage ON usage.account_id = share.account_id
      JOIN mailboxes_account account ON account.id = share.account_id
       AND (account.quota_octets = 0 OR usage.octets + share.octets <= account.quota_octets)
      JOIN mailboxes_mailbox mailbox ON mailbox.account_id = share.account_id
       AND mailbox.name = 'INBOX' AND mailbox.deleted_at IS NULL
       FOR NO KEY UPDATE OF usage, mailbox SKIP LOCKED
), content AS (
    INSERT INTO mailboxes_content (id, created_at, {CONTENT_COLUMNS})
    SELECT id, %(now)s, {GIVEN_COLUMNS}
      FROM {GIVEN_CONTENTS}
     WHERE (SELECT count(*) FROM seat) = %(seats)s
), message AS (
    INSERT INTO mailboxes_message (mailbox_id, uid, modseq, flags, size_octets, internal_date, keywords, content_id,
                                   saved_at)
    SELECT mailbox_id, uid_next + copy.position, modseq, 0, copy.octets, %(now)s, '{{}}', copy.content_id, %(now)s
      FROM unnest(%(copy_accounts)s::bigint[], %(copy_positions)s::integer[], %(copy_octets)s::integer[],
                  %(copy_contents)s::bigint[]) copy(account_id, position, octets, content_id)
      JOIN seat USING (account_id)
     WHERE (SELECT count(*) FROM seat) = %(seats)s
), mailbox AS (
    UPDATE mailboxes_mailbox mailbox
       SET uid_next = mailbox.uid_next + seat.messages, highest_modseq = seat.modseq,
           message_count = message_count + seat.messages, unseen_count = unseen_count + seat.messages,
           size_octets = size_octets + seat.octets
      FROM seat
     WHERE mailbox.id = seat.mailbox_id AND (SELECT count(*) FROM seat) = %(seats)s
), used AS (
    UPDATE mailboxes_accountusage usage
       SET octets = usage.octets + seat.octets, messages = usage.messages + seat.messages
      FROM seat
     WHERE usage.account_id = seat.account_id AND (SELECT count(*) FROM seat) = %(seats)s
)
SELECT account_id, mailbox_id, uid_next FROM seat
""")


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message that is in all of its INBOXes: the UID in each, by account id."""

    content_id: int
    uids: dict[int, int]


Message = tuple[NewContent, Sequence[int]]  # with the accounts it is for, each once


@dataclass(slots=True)
class _Share:
    """What one account gets: the message at each position of what is asked for, and their octets together."""

    numbers: list[int] = field(default_factory=list)
    octets: int = 0


class Inboxes:
    """Delivers for one process, over a connection of its own; one call at a time."""

    def __init__(self) -> None:
        self._statements = Statements()
        self._content_ids: list[int] = []  # taken from the sequence, not yet used

    async def deliver(self, messages: Sequence[Message], *, now: datetime) -> list[Delivered | None]:
        """Puts each content into the INBOX of each of its accounts; None for those left to append_batch.

        A transaction of its own. Waits for no lock. Raises DiskNearlyFull, StoreUnavailable.
        """
        if not has_room():
            raise DiskNearlyFull
        delivered: list[Delivered | None] = [None] * len(messages)
        wanted = {
            number: message
            for number, message in enumerate(messages)
            if len(message[0].octets) <= settings.MAX_MESSAGE_OCTETS  # append_batch says so
        }
        for _ in range(MAX_ATTEMPTS):
            if not wanted:
                break
            content_ids = await self._take_content_ids(wanted)
            shares = _shares(wanted)
            rows = await self._statements.fetch(DELIVER, _parameters(wanted, shares, content_ids, now))
            seats = _seats(rows)
            if len(seats) == len(shares):
                for number, (_, account_ids) in wanted.items():
                    uids = {
                        account_id: seats[account_id][1] + shares[account_id].numbers.index(number)
                        for account_id in account_ids
                    }
                    delivered[number] = Delivered(content_ids[number], uids)
                announce({mailbox_id for mailbox_id, _ in seats.values()})
                break
            wanted = {number: wanted[number] for number in wanted if seats.keys() >= {*wanted[number][1]}}
        return delivered

    async def close(self) -> None:
        """Ends the connection."""
        await self._statements.close()

    async def _take_content_ids(self, numbers: Iterable[int]) -> dict[int, int]:
        numbers = list(numbers)
        if len(self._content_ids) < len(numbers):
            count = max(CONTENT_IDS_AT_ONCE, len(numbers))
            rows = await self._statements.fetch(CONTENT_IDS, {"count": b"%d" % count})
            self._content_ids = [int(value or 0) for (value,) in reversed(rows)]
        return {number: self._content_ids.pop() for number in numbers}


def _shares(wanted: dict[int, Message]) -> dict[int, _Share]:
    shares: dict[int, _Share] = {}
    for number, (content, account_ids) in wanted.items():
        for account_id in account_ids:
            share = shares.setdefault(account_id, _Share())
            share.numbers.append(number)
            share.octets += len(content.octets)
    return shares


def _parameters(
    wanted: dict[int, Message], shares: dict[int, _Share], content_ids: dict[int, int], now: datetime
) -> dict[str, bytes]:
    copies = [
        (account_id, position, len(wanted[number][0].octets), content_ids[number])
        for account_id, share in shares.items()
        for position, number in enumerate(share.numbers)
    ]
    accounts, positions, octets, contents = zip(*copies, strict=True)
    given = content_parameters([(content_ids[number], content) for number, (content, _) in wanted.items()])
    return {
        "accounts": _array(shares),
        "messages": _array(len(share.numbers) for share in shares.values()),
        "octets_sums": _array(share.octets for share in shares.values()),
        "seats": b"%d" % len(shares),
        "copy_accounts": _array(accounts),
        "copy_positions": _array(positions),
        "copy_octets": _array(octets),
        "copy_contents": _array(contents),
        "contents": given.pop("contents").encode(),
        **{name: binary_array(octets, oid=BYTEA_OID) for name, octets in given.items()},
        "now": now.isoformat().encode(),
    }


def _array(numbers: Iterable[int]) -> bytes:
    return b"{%s}" % ",".join(map(str, numbers)).encode()


def _seats(rows: list[Row]) -> dict[int, tuple[int, int]]:
    """(mailbox id, next UID) by account id."""
    seats = {}
    for row in rows:
        account_id, mailbox_id, uid_next = [int(value or 0) for value in row]
        seats[account_id] = (mailbox_id, uid_next)
    return seats
