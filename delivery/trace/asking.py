"""What is looked for in the trace, and whose mail it may be: values, checked once, for every source alike."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from delivery.models import RecipientState
from delivery.models.trace import Event, Outcome

MAX_WORDS: Final = 320  # characters of anything that is looked for

INBOUND_STATES: Final = {outcome.name.lower(): outcome for outcome in Outcome}
QUEUE_STATES: Final = (
    RecipientState.QUEUED,
    RecipientState.WAITING,
    RecipientState.HELD,
    RecipientState.DEFERRED,
)
STATES: Final = tuple(dict.fromkeys((*INBOUND_STATES, *(each.value for each in (*QUEUE_STATES, *Event)))))
"""All that a row may say became of it. Some are said by more than one source: "deferred" by all three."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose mail is seen: all of it, or what these domains and this account sent or got; nothing where none is named.

    What a domain or account sent is what was submitted here under its name, or forwarded by it. Of what others sent to
    it, it sees what came: not what waits, may be taken back, or was held. Who sent a message sees that it was taken,
    and not that a filter put it into Junk.
    """

    sees_all: bool = False
    domains: tuple[str, ...] = ()
    account_id: int | None = None
    login: str = ""


EVERYTHING: Final = Scope(sees_all=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Everything that is given must be so; "" and () mean anything. Addresses are whole, in any case.

    text: any one of sender, recipient, Message-ID, client's or other host's address or name, domain, trace id,
    session, queue id (Q17), words of a subject. sender "<>": the null reverse-path. address: the client's, or the other
    host's, or its name. subject: words, as far as subjects are kept. states: of STATES.
    since, until: from that moment on, and before it.
    """

    text: str = ""
    sender: str = ""
    recipient: str = ""
    message_id: str = ""
    subject: str = ""
    address: str = ""
    states: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def has_key(self) -> bool:
        """Something is asked for that few rows have."""
        return any((self.text, self.sender, self.recipient, self.message_id, self.subject, self.address))


def cleaned(text: str) -> str:
    """As rows may have it: Postgres stores no NUL."""
    return text.replace("\0", "").strip()[:MAX_WORDS]


def folded(text: str) -> str:
    """An address, name or domain, as indexes have it."""
    return cleaned(text).strip("<>").lower()


def as_message_id(text: str) -> str:
    """With its brackets."""
    text = cleaned(text)
    return text if text.startswith("<") else f"<{text}>"


def queue_id_of(text: str) -> int | None:
    """17 of "Q17"."""
    digits = cleaned(text).lower().removeprefix("q")
    named = cleaned(text)[:1] in ("q", "Q") and digits.isascii() and digits.isdigit() and len(digits) <= 18
    return int(digits) if named else None
