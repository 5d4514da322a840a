"""The next messages' octets, read with the one that was asked for: for clients that fetch bodies one by one.

Content never changes under a UID, so what was read ahead can only be unneeded, never wrong.
"""

from collections.abc import Sequence

from mailboxes.store.fetch import Row, fetch_octets, fetch_rows

MESSAGES_AHEAD = 64
OCTETS_AHEAD = 1 << 18  # for each session that is fetching; IDLE lets go of them
Found = tuple[Row, bytes]


class ReadAhead:
    """What one session has at hand: rows (uid first, size last) and octets by UID, for one choice of columns."""

    __slots__ = ("_columns", "_expected_uid", "_found")

    def __init__(self) -> None:
        self._columns: Sequence[str] = ()
        self._expected_uid = 0
        self._found: dict[int, Found] = {}

    def take(self, uid: int, columns: Sequence[str]) -> Found | None:
        return self._found.pop(uid, None) if columns == self._columns else None

    def is_in_step(self, uid: int, columns: Sequence[str]) -> bool:
        """Whether the client asks for message after message: the second time in a row it is believed."""
        return uid == self._expected_uid and columns == self._columns

    def expect(self, uid: int, columns: Sequence[str]) -> None:
        self._expected_uid, self._columns = uid, columns

    def keep(self, found: dict[int, Found]) -> None:
        self._found = found

    def drop(self) -> None:
        self._found = {}


def read_with_next(
    mailbox_id: int, uids: Sequence[int], columns: Sequence[str], bound: int
) -> dict[int, Found]:
    """The first message unless it is larger than `bound`, and those behind it while they are small together."""
    rows = fetch_rows(mailbox_id=mailbox_id, uids=uids, columns=columns)
    chosen: dict[int, Row] = {}
    octets = 0
    for row in rows:
        octets += row[-1]
        if octets > (OCTETS_AHEAD if chosen else bound):
            break
        chosen[row[0]] = row
    read = fetch_octets(mailbox_id=mailbox_id, uids=list(chosen))
    return {uid: (chosen[uid], text) for uid, text in read}
