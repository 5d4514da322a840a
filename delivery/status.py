"""What became of what an account has sent, for its sender: each recipient's place in the queue, and who took it.

A message is known by its Message-ID, as mail clients keep a copy of their own in Sent; whoever asks is an account, and
sees only what that account submitted. The queue tells of what went elsewhere or had to wait, the trace of what was put
into a mailbox here at once. That a filter put it into Junk there is its owner's business, and not told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from delivery.certificate_verdicts import is_verified
from delivery.models import LED_ON, RecipientState
from delivery.models.trace import Outcome
from delivery.status_statements import ALL, COUNTS
from mailhost.net.database import cursor
from mailhost.protocols.bounce_causes import Cause
from mailhost.protocols.cause_words import cause_words

MAX_SHOWN: Final = 200  # recipients that are told one by one, those first that need somebody
MAX_SUBMISSIONS: Final = 20  # of one Message-ID: a program may give all its messages the same one
MAX_TRACED: Final = 10_000  # rows of the trace that are looked at
MAX_MESSAGE_ID: Final = 500  # characters, as queue/enqueue.py and trace.py cut it
MAX_REPLY: Final = 500  # characters of what the other server said

FAILED: Final = (RecipientState.BOUNCED, RecipientState.EXPIRED)
MOVING: Final = (RecipientState.QUEUED, RecipientState.DEFERRED, RecipientState.WAITING)
ORDER: Final = (
    *FAILED,
    RecipientState.DEFERRED,
    RecipientState.HELD,
    RecipientState.QUEUED,
    RecipientState.WAITING,
    RecipientState.CAPTURED,
    RecipientState.CANCELLED,
    RecipientState.DELIVERED,
)


@dataclass(frozen=True, slots=True)
class RecipientStatus:
    """One recipient. at: when it came to this state, or is to leave (WAITING); next_at: the next try, None where none
    is due.

    host, address, tls, certificate: who was spoken to last, and how ("" in clear); reply: their words, or ours;
    is_here: it goes into a mailbox here. cause: why it did not arrive or waits, None where nothing stands against it.
    came_back: host had taken it, and it was returned later, at `at` (BOUNCED); reply is then what that notice says.
    said_at, said: the same of a notice that nobody vouches for, and what it says: the state stays DELIVERED.
    original_path: as in QueuedRecipient.
    """

    forward_path: str
    state: RecipientState
    at: datetime | None
    next_at: datetime | None
    host: str
    address: str
    tls: str
    certificate: str
    status: str
    reply: str
    is_here: bool
    cause: Cause | None = None
    came_back: bool = False
    said_at: datetime | None = None
    said: str = ""
    original_path: str = ""

    @property
    def meaning(self) -> str:
        """What the cause means, in a sentence; "" where there is none."""
        return cause_words(self.cause, reply=self.reply)[0] if self.cause else ""

    @property
    def step(self) -> str:
        """What the sender can do about it; "" where nothing is to be done."""
        waits = self.state in MOVING
        return cause_words(self.cause, reply=self.reply, waits=waits)[1] if self.cause else ""

    @property
    def is_verified(self) -> bool:
        """The other host was encrypted to, and known to be who it was meant to be (DANE, MTA-STS)."""
        return is_verified(self.certificate)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many recipients are in each state."""

    by_state: Mapping[RecipientState, int]

    def of(self, *states: RecipientState) -> int:
        """How many are in one of these."""
        return sum(self.by_state.get(state, 0) for state in states)

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self.by_state.values())

    @property
    def failed(self) -> int:
        """How many it will not reach."""
        return self.of(*FAILED)

    @property
    def is_moving(self) -> bool:
        """Something is under way still."""
        return self.of(*MOVING) > 0


@dataclass(frozen=True, slots=True)
class Status:
    """recipients: up to MAX_SHOWN, in ORDER; counts has all of them. message_id: by which it was asked for."""

    message_id: str
    counts: Counts
    recipients: tuple[RecipientStatus, ...]

    @property
    def left_out(self) -> int:
        """How many are not told one by one."""
        return self.counts.total - len(self.recipients)


def read_status(*, account_id: int, login: str, message_id: str) -> Status | None:
    """What became of the message of this Message-ID that the account submitted; None where nothing is known (any
    more). One statement, whatever the number of recipients.

    Of a recipient that it was submitted for more than once the newest is told.
    """
    message_id = message_id.replace("\0", "")[:MAX_MESSAGE_ID]
    asked = _asked(account_id, [message_id]) | {
        "message_id": message_id,
        "login": login,
        "placed": [Outcome.ACCEPTED.value, Outcome.JUNK.value, Outcome.QUARANTINED.value],
        "held": Outcome.QUARANTINED.value,
        "traced": MAX_TRACED,
        "order": [state.value for state in ORDER],
        "shown": MAX_SHOWN,
    }
    with cursor() as sql:
        rows = sql.execute(ALL.encode(), asked).fetchall()
    if not rows:
        return None
    counts = {RecipientState(state): number for state, number in rows[0][-1].items()}
    recipients = (_recipient(row[:-1]) for row in rows)
    return Status(message_id, Counts(counts), tuple(recipients))


def _recipient(row: tuple[Any, ...]) -> RecipientStatus:
    path, state, *others, cause, came_back, said_at, said, original_path = row
    values = [*others, Cause(cause) if cause else None, came_back, said_at, said, original_path]
    return RecipientStatus(path, RecipientState(state), *values)


def read_counts(*, account_id: int, message_ids: Sequence[str]) -> dict[str, Counts]:
    """The same in numbers for a page of messages, by Message-ID, as far as the queue knows of them. One statement."""
    asked = {each[:MAX_MESSAGE_ID]: each for each in message_ids if each and "\0" not in each}
    found: dict[str, dict[RecipientState, int]] = {}
    with cursor() as sql:
        rows = sql.execute(COUNTS.encode(), _asked(account_id, list(asked)))
        for message_id, state, number in rows:
            found.setdefault(asked[message_id], {})[RecipientState(state)] = number
    return {message_id: Counts(by_state) for message_id, by_state in found.items()}


def _asked(account_id: int, message_ids: list[str]) -> dict[str, object]:
    return {
        "account_id": account_id,
        "message_ids": message_ids,
        "submissions": MAX_SUBMISSIONS,
        "reply": MAX_REPLY,
        "led_on": LED_ON,
    }
