"""The outbound queue as JSON: its recipients, the filter, orders and what they came to."""

from collections import Counter
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from delivery.models import QueuedRecipient, RecipientState
from delivery.queue.filtering import MAX_COUNT, Preview, QueueFilter
from mailhost.api.schemas import Described, Moment, Page, printable
from mailhost.protocols.addresses import MAX_ADDRESS_OCTETS

MAX_REPLY: Final = 500  # characters; a line of an SMTP reply has 512 octets (RFC 5321 section 4.5.3.1.5)
Text = Annotated[str, AfterValidator(printable)]
Id = Annotated[int, Field(ge=1, le=(1 << 63) - 1)]


class QueuedRecipientBody(Described):
    """One recipient of a message on its way out."""

    id: int
    message: int = Field(description="The message's number in the queue: all its recipients have it.")
    reverse_path: str = Field(description="Whom a report would go to; empty: the null one.")
    forward_path: str
    original_path: str = Field(description="The alias that was written to, where it leads there; else empty.")
    account: str | None = Field(description="The login that submitted it, where one did.")
    next_hop: str = Field(description="The domain or host that it waits for; empty: this host.")
    route: str = Field(description="The route that it leaves by; empty: as the settings say.")
    state: str = Field(description=f"One of {', '.join(RecipientState.values)}.", examples=["deferred"])
    attempts: int
    queued_at: datetime
    next_attempt_at: datetime
    last_attempt_at: datetime | None
    last_reply: str = Field(description="Its own, or its destination's where no host was reached.")
    expires_at: datetime

    @classmethod
    def of(cls, row: QueuedRecipient) -> "QueuedRecipientBody":
        """From the row as filtering.page() reads it: with message, account, destination and the route's name."""
        message, destination = row.message, row.destination
        return cls(
            id=row.pk,
            message=message.pk,
            reverse_path=message.reverse_path,
            forward_path=row.forward_path,
            original_path=row.original_path,
            account=message.account.login if message.account else None,
            next_hop=destination.name,
            route=row.route,  # type: ignore[attr-defined]
            state=row.state,
            attempts=row.attempts,
            queued_at=message.created_at,
            next_attempt_at=row.next_attempt_at,
            last_attempt_at=row.last_attempt_at,
            last_reply=destination.last_reply if destination.failures else row.last_reply,
            expires_at=message.expires_at,
        )


class QueuePage(Page):
    """What the filter finds, the latest first."""

    items: list[QueuedRecipientBody]


class FilterBody(Described):
    """Which recipients are meant: everything that is given must be so."""

    ids: list[Id] = Field(default=[], max_length=MAX_COUNT, description="Of recipients; empty: any.")
    states: list[RecipientState] = Field(
        default=[], max_length=9, description="Empty: all that are not final."
    )
    sender: Text = Field(
        default="", max_length=MAX_ADDRESS_OCTETS, description="The reverse-path; `<>`: null."
    )
    recipient: Text = Field(
        default="",
        max_length=MAX_ADDRESS_OCTETS,
        description="The forward-path or the alias that was written to, whole.",
    )
    domain: Text = Field(
        default="", max_length=MAX_ADDRESS_OCTETS, description="The recipient's, as A-labels."
    )
    next_hop: Text = Field(default="", max_length=MAX_ADDRESS_OCTETS, description="Where it waits for.")
    before: Moment | None = Field(default=None, description="Queued before this moment, with its zone.")
    since: Moment | None = Field(default=None, description="Queued from this moment on, with its zone.")
    reply: Text = Field(
        default="", max_length=MAX_REPLY, description="A part of the last reply, in any case."
    )
    account: Text = Field(
        default="", max_length=MAX_ADDRESS_OCTETS, description="The login that submitted it."
    )

    def asked(self, sent_from: tuple[str, ...] | None) -> QueueFilter:
        """As the queue takes it, for what the key may see."""
        given: dict[str, Any] = self.model_dump() | {"sent_from": sent_from}
        return QueueFilter(**given | {"ids": tuple(self.ids), "states": tuple(self.states)})


class VerbBody(Described):
    """A verb's filter, and what the verb needs."""

    filter: FilterBody
    everything: bool = Field(default=False, description="Needed where the filter asks for nothing.")
    until: Moment | None = Field(
        default=None, description="Of `defer`: not before this moment, within a year."
    )
    to: Text = Field(
        default="", max_length=255, description="Of `redirect`: the domain, host or `[address]` to send to."
    )
    reply: Text = Field(default="", max_length=MAX_REPLY, description="Of `bounce`: what the sender is told.")


class OrderBody(VerbBody):
    """A verb over a part of what is meant: request after request, as far as the caller goes on."""

    dry_run: bool = Field(default=False, description="Changes nothing, and tells what would be.")
    cursor: str = Field(
        default="",
        pattern=r"^([0-9]{1,18}-[0-9]{1,18})?$",
        description="`next_cursor` of the answer before, until that is null; empty at first.",
    )


class PreviewBody(Described):
    """What a verb would be done to."""

    count: int = Field(description=f"Up to {MAX_COUNT}.")
    is_more: bool = Field(description="There are more than `count`.")
    oldest: datetime | None = Field(description="When the oldest of them was queued.")
    by_state: dict[str, int]
    by_next_hop: dict[str, int] = Field(description="The ten with most, whatever the route.")
    sample: list[QueuedRecipientBody]

    @classmethod
    def of(cls, seen: Preview) -> "PreviewBody":
        """From what was counted."""
        by_name: Counter[str] = Counter()
        for (name, _), number in seen.by_next_hop:
            by_name[name] += number
        return cls(
            count=seen.total.count,
            is_more=seen.total.is_more,
            oldest=seen.oldest,
            by_state=dict(seen.by_state),
            by_next_hop=by_name,
            sample=[QueuedRecipientBody.of(row) for row in seen.sample],
        )


class OrderDone(Described):
    """What one request came to."""

    changed: int = Field(description="Recipients that this request changed.")
    busy: int = Field(
        description="Left as they were: just being sent, or in somebody else's hands. Try again."
    )
    next_cursor: str | None = Field(
        description="There is more to do: send the same with this; null: all is done."
    )
    preview: PreviewBody | None = Field(description="With `dry_run`.")
