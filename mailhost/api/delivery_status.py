"""/delivery-status: what became of a message that an account has sent, for each recipient."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from delivery.models import RecipientState
from delivery.status import MAX_SHOWN, RecipientStatus, Status, read_status
from mailboxes.models import Account
from mailhost.api.keys import AnyKey
from mailhost.api.problems import StatusNotFound
from mailhost.api.responses import reading
from mailhost.api.schemas import Described
from mailhost.api.senders import Login, visible_sender

router = Router(tags=["Trace"])


class RecipientBody(Described):
    """One recipient."""

    forward_path: str = Field(examples=["bob@example.net"])
    original_path: str = Field(description="The alias that was written to, where it leads there; else empty.")
    state: str = Field(description=f"One of {', '.join(RecipientState)}.", examples=["delivered"])
    at: datetime | None = Field(description="When it came to this; waiting: when it is to leave.")
    next_attempt_at: datetime | None = Field(description="The next try, where one is due.")
    host: str = Field(description="Who was spoken to last; empty: nobody yet.", examples=["mx.example.net"])
    address: str = Field(description="Its address.", examples=["192.0.2.1"])
    tls: str = Field(description="Version and cipher; empty: in clear.")
    certificate: str = Field(
        description="What the certificate was found to be; empty: in clear.", examples=["mta-sts verified"]
    )
    status: str = Field(description="The enhanced status code, where there is one (RFC 3463).")
    reply: str = Field(description="What it said, or what this host has to say.")
    is_here: bool = Field(description="Whether it goes into a mailbox of this host.")
    came_back: bool = Field(
        description="Whether the host had taken it, and it was returned later: `at` says when, `reply` why (bounced)."
    )
    said_at: datetime | None = Field(
        description="When somebody said so whom nobody vouches for; the state stays delivered."
    )
    said: str = Field(description="The words of that.")
    cause: str = Field(
        description="Why it did not arrive or waits; empty: nothing stands against it.", examples=["full"]
    )
    meaning: str = Field(description="The cause in a sentence.")
    step: str = Field(description="What its sender can do.")

    @classmethod
    def of(cls, found: RecipientStatus) -> "RecipientBody":
        """From what the queue and the trace know."""
        return cls(
            forward_path=found.forward_path,
            original_path=found.original_path,
            state=found.state.value,
            at=found.at,
            next_attempt_at=found.next_at,
            host=found.host,
            address=found.address,
            tls=found.tls,
            certificate=found.certificate,
            status=found.status,
            reply=found.reply,
            is_here=found.is_here,
            came_back=found.came_back,
            said_at=found.said_at,
            said=found.said,
            cause=found.cause.value if found.cause else "",
            meaning=found.meaning,
            step=found.step,
        )


class StatusBody(Described):
    """What became of a message."""

    message_id: str = Field(examples=["<1@example.org>"])
    login: str = Field(description="Who has sent it.", examples=["alice@example.org"])
    counts: dict[str, int] = Field(description="How many recipients are in each state.")
    is_under_way: bool = Field(
        description="Something of it is still to be tried or to leave: ask again later."
    )
    recipients: list[RecipientBody] = Field(
        description=f"Up to {MAX_SHOWN}, those first that it did not reach or that wait."
    )
    left_out: int = Field(description="How many recipients are counted only.")

    @classmethod
    def of(cls, found: Status, *, account: Account, message_id: str) -> "StatusBody":
        """With all that is known."""
        return cls(
            message_id=message_id,
            login=account.login,
            counts={state.value: number for state, number in found.counts.by_state.items()},
            is_under_way=found.counts.is_moving,
            recipients=[RecipientBody.of(each) for each in found.recipients],
            left_out=found.left_out,
        )


MessageId = Annotated[
    str,
    Query(
        min_length=1, max_length=1_000, description="As in the message, with or without its angle brackets."
    ),
]


@router.get(
    "/delivery-status", response=reading(StatusBody), summary="What became of what was sent", auth=AnyKey()
)
def show_status(request: HttpRequest, message_id: MessageId, login: Login = "") -> StatusBody:
    """Per recipient: who took it, when and with which TLS; why it waits and when it is tried again; why it bounced.

    A key of an account sees what it sent itself, and what accounts in domains that it administers have sent. 404 where
    nothing is known of such a message, or no longer.
    """
    account = visible_sender(request, login)
    asked = message_id if message_id.startswith("<") else f"<{message_id}>"
    found = read_status(account_id=account.pk, login=account.login, message_id=asked)
    if found is None:
        raise StatusNotFound(asked)
    return StatusBody.of(found, account=account, message_id=asked)
