"""New messages into mailboxes: one statement, one round trip, one commit, however many messages.

For what every message takes: deliveries into INBOXes, APPENDs into an account's own mailboxes. All or nothing: where
an account cannot take its share (somebody holds a lock, it is full, it or its mailbox is gone) nothing is written, and
the statement is asked again without the messages of that account. Those are left to append_batch, which waits, or
says why not.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings

from mailboxes.exceptions import DiskNearlyFull
from mailboxes.store.content_rows import CONTENT_COLUMNS, GIVEN_COLUMNS, GIVEN_CONTENTS, content_parameters
from mailboxes.store.mailbox_names import INBOX
from mailboxes.store.values import NO_FLAGS, Flag, NewContent
from mailhost.net.announcements import announce
from mailhost.net.disk import has_room
from mailhost.net.statements import BYTEA_OID, TEXT_OID, Row, Statement, Statements, binary_array, plain_array

MAX_ATTEMPTS = 3  # each without the accounts that the one before could not serve
CONTENT_IDS_AT_ONCE = 100

CONTENT_IDS = Statement.parse("SELECT nextval('mailboxes_content_id_seq') FROM generate_series(1, %(count)s)")
# What it costs is mostly the start of each node of its plan: so sums and positions are worked out before it. The order
# of the locks does not matter to a statement that waits for none.
PLACE = f"""
WITH seat AS MATERIALIZED (
    SELECT share.account_id, share.messages, share.unseen, share.deleted, share.octets, mailbox.id AS mailbox_id,
           mailbox.uid_validity, mailbox.uid_next, mailbox.highest_modseq + 1 AS modseq
      FROM unnest(%(accounts)s::bigint[], %(names)b::text[], %(messages)s::integer[], %(unseen)s::integer[],
                  %(deleted)s::integer[], %(octets_sums)s::bigint[])
           share(account_id, name, messages, unseen, deleted, octets)
      JOIN mailboxes_accountusage usage ON usage.account_id = share.account_id
      JOIN mailboxes_account account ON account.id = share.account_id
       AND (account.quota_octets = 0 OR usage.octets + share.octets <= account.quota_octets)
       AND (account.quota_messages = 0 OR usage.messages + share.messages <= account.quota_messages)
      JOIN mailboxes_mailbox mailbox ON mailbox.account_id = share.account_id
       AND mailbox.name = share.name AND mailbox.deleted_at IS NULL
       FOR NO KEY UPDATE OF usage, mailbox SKIP LOCKED
), content AS (
    INSERT INTO mailboxes_content (id, created_at, {CONTENT_COLUMNS})
    SELECT id, %(now)s, {GIVEN_COLUMNS}
      FROM {GIVEN_CONTENTS}
     WHERE (SELECT count(*) FROM seat) = %(seats)s
), message AS (
    INSERT INTO mailboxes_message (mailbox_id, uid, modseq, flags, size_octets, internal_date, keywords, content_id,
                                   saved_at)
    SELECT mailbox_id, uid_next + copy.position, modseq, copy.flags, copy.octets, copy.internal_date,
           copy.keywords::text[], copy.content_id, %(now)s
      FROM unnest(%(copy_accounts)s::bigint[], %(copy_positions)s::integer[], %(copy_octets)s::integer[],
                  %(copy_contents)s::bigint[], %(copy_flags)s::smallint[], %(copy_keywords)b::text[],
                  %(copy_dates)s::timestamptz[])
           copy(account_id, position, octets, content_id, flags, keywords, internal_date)
      JOIN seat USING (account_id)
     WHERE (SELECT count(*) FROM seat) = %(seats)s
), mailbox AS (
    UPDATE mailboxes_mailbox mailbox
       SET uid_next = mailbox.uid_next + seat.messages, highest_modseq = seat.modseq,
           message_count = message_count + seat.messages, unseen_count = unseen_count + seat.unseen,
           deleted_count = deleted_count + seat.deleted, size_octets = size_octets + seat.octets
      FROM seat
     WHERE mailbox.id = seat.mailbox_id AND (SELECT count(*) FROM seat) = %(seats)s
), used AS (
    UPDATE mailboxes_accountusage usage
       SET octets = usage.octets + seat.octets, messages = usage.messages + seat.messages
      FROM seat
     WHERE usage.account_id = seat.account_id AND (SELECT count(*) FROM seat) = %(seats)s
)"""
PLACED = "SELECT account_id, mailbox_id, uid_validity, uid_next FROM seat"
PLACE_ALONE = Statement.parse(f"{PLACE} {PLACED}")


class Companion:
    """Rows of a table above this one, written with the messages that they are about: all or nothing, as these.

    insert: an INSERT from a SELECT that has no condition. parameters: its values, of (content id, what the arrival
    has beside it) pairs.
    """

    def __init__(
        self, insert: str, parameters: Callable[[Sequence[tuple[int, Any]]], Mapping[str, bytes]]
    ) -> None:
        self.parameters = parameters
        self.place = Statement.parse(
            f"{PLACE}, companion AS ({insert} WHERE (SELECT count(*) FROM seat) = %(seats)s) {PLACED}"
        )


@dataclass(frozen=True, slots=True)
class Arrival:
    """One content for the mailbox of that name in each of these accounts, each named once."""

    content: NewContent
    account_ids: Sequence[int]
    name: str = INBOX
    flags: Flag = NO_FLAGS
    keywords: Sequence[str] = ()
    internal_date: datetime | None = None
    """Without it, when it arrives."""
    beside: Sequence[Any] = ()
    """What the Companion writes with it."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message that is in all of its mailboxes: (UIDVALIDITY, UID) in each, by account id."""

    content_id: int
    places: dict[int, tuple[int, int]]


@dataclass(slots=True)
class _Share:
    """What one account gets: the arrival at each position of what is asked for, and what that adds up to."""

    name: str
    numbers: list[int] = field(default_factory=list)
    octets: int = 0
    unseen: int = 0
    deleted: int = 0

    def add(self, number: int, arrival: Arrival) -> None:
        self.numbers.append(number)
        self.octets += len(arrival.content.octets)
        self.unseen += not arrival.flags & Flag.SEEN
        self.deleted += bool(arrival.flags & Flag.DELETED)


@dataclass(frozen=True, slots=True)
class _Seat:
    mailbox_id: int
    uid_validity: int
    uid_next: int


class Arrivals:
    """Places messages for one process, over a connection of its own; one call at a time."""

    def __init__(self, companion: Companion | None = None) -> None:
        self._companion = companion
        self._statements = Statements()
        self._content_ids: list[int] = []  # taken from the sequence, not yet used

    async def place(self, arrivals: Sequence[Arrival], *, now: datetime) -> list[Arrived | None]:
        """Puts each content into its mailboxes; None for those left to append_batch.

        A transaction of its own, one for each mailbox of an account that gets mail in several. Waits for no lock.
        Raises DiskNearlyFull, StoreUnavailable.
        """
        if not has_room():
            raise DiskNearlyFull
        arrived: list[Arrived | None] = [None] * len(arrivals)
        wanted = {
            number: arrival
            for number, arrival in enumerate(arrivals)
            if len(arrival.content.octets) <= settings.MAX_MESSAGE_OCTETS  # append_batch says so
        }
        while wanted:
            together, wanted = _one_mailbox_an_account(wanted)
            await self._place(together, arrived, now)
        return arrived

    async def close(self) -> None:
        """Ends the connection."""
        await self._statements.close()

    async def _place(self, wanted: dict[int, Arrival], arrived: list[Arrived | None], now: datetime) -> None:
        for _ in range(MAX_ATTEMPTS):
            content_ids = await self._take_content_ids(wanted)
            shares = _shares(wanted)
            parameters = _parameters(wanted, shares, content_ids, now)
            statement = self._with_companion(wanted, content_ids, parameters)
            rows = await self._statements.fetch(statement, parameters)
            seats = _seats(rows)
            if len(seats) == len(shares):
                for number, content_id in content_ids.items():
                    arrived[number] = Arrived(content_id, {})
                for account_id, share in shares.items():
                    seat = seats[account_id]
                    for uid, number in enumerate(share.numbers, seat.uid_next):
                        placed = arrived[number]
                        assert placed is not None
                        placed.places[account_id] = (seat.uid_validity, uid)
                announce({seat.mailbox_id for seat in seats.values()})
                return
            wanted = {
                number: wanted[number] for number in wanted if seats.keys() >= {*wanted[number].account_ids}
            }
            if not wanted:
                return

    def _with_companion(
        self, wanted: Mapping[int, Arrival], content_ids: Mapping[int, int], parameters: dict[str, bytes]
    ) -> Statement:
        beside = [
            (content_ids[number], each) for number, arrival in wanted.items() for each in arrival.beside
        ]
        if not beside or self._companion is None:
            return PLACE_ALONE
        parameters.update(self._companion.parameters(beside))
        return self._companion.place

    async def _take_content_ids(self, numbers: Iterable[int]) -> dict[int, int]:
        numbers = list(numbers)
        if len(self._content_ids) < len(numbers):
            count = max(CONTENT_IDS_AT_ONCE, len(numbers))
            rows = await self._statements.fetch(CONTENT_IDS, {"count": b"%d" % count})
            self._content_ids = [int(value or 0) for (value,) in reversed(rows)]
        return {number: self._content_ids.pop() for number in numbers}


def _one_mailbox_an_account(wanted: dict[int, Arrival]) -> tuple[dict[int, Arrival], dict[int, Arrival]]:
    """What one statement can place, and the rest: there is one usage row an account to be counted up."""
    names: dict[int, str] = {}
    together: dict[int, Arrival] = {}
    rest: dict[int, Arrival] = {}
    for number, arrival in wanted.items():
        if all(names.get(account_id, arrival.name) == arrival.name for account_id in arrival.account_ids):
            together[number] = arrival
            names.update(dict.fromkeys(arrival.account_ids, arrival.name))
        else:
            rest[number] = arrival
    return together, rest


def _shares(wanted: Mapping[int, Arrival]) -> dict[int, _Share]:
    shares: dict[int, _Share] = {}
    for number, arrival in wanted.items():
        for account_id in arrival.account_ids:
            share = shares.get(account_id)
            if share is None:
                share = shares[account_id] = _Share(arrival.name)
            share.add(number, arrival)
    return shares


def _parameters(
    wanted: Mapping[int, Arrival], shares: Mapping[int, _Share], content_ids: Mapping[int, int], now: datetime
) -> dict[str, bytes]:
    each = list(shares.values())
    copies = [
        (account_id, position, wanted[number], content_ids[number])
        for account_id, share in shares.items()
        for position, number in enumerate(share.numbers)
    ]
    given = content_parameters([(content_ids[number], arrival.content) for number, arrival in wanted.items()])
    return {
        "accounts": plain_array(shares),
        "names": binary_array([share.name.encode() for share in each], oid=TEXT_OID),
        "messages": plain_array(len(share.numbers) for share in each),
        "unseen": plain_array(share.unseen for share in each),
        "deleted": plain_array(share.deleted for share in each),
        "octets_sums": plain_array(share.octets for share in each),
        "seats": b"%d" % len(shares),
        "copy_accounts": plain_array(account_id for account_id, _, _, _ in copies),
        "copy_positions": plain_array(position for _, position, _, _ in copies),
        "copy_octets": plain_array(len(arrival.content.octets) for _, _, arrival, _ in copies),
        "copy_contents": plain_array(content_id for _, _, _, content_id in copies),
        "copy_flags": plain_array(int(arrival.flags) for _, _, arrival, _ in copies),
        "copy_keywords": binary_array(
            [_text_array(arrival.keywords) for _, _, arrival, _ in copies], oid=TEXT_OID
        ),
        "copy_dates": plain_array((arrival.internal_date or now).isoformat() for _, _, arrival, _ in copies),
        "contents": given.pop("contents").encode(),
        **{name: binary_array(octets, oid=BYTEA_OID) for name, octets in given.items()},
        "now": now.isoformat().encode(),
    }


def _text_array(words: Sequence[str]) -> bytes:
    return b"{%b}" % json.dumps(words, ensure_ascii=False)[1:-1].encode()


def _seats(rows: Sequence[Row]) -> dict[int, _Seat]:
    """By account id."""
    seats = {}
    for row in rows:
        account_id, *columns = [int(value or 0) for value in row]
        seats[account_id] = _Seat(*columns)
    return seats
