"""/waiting: what an account has sent and that has not left: listed, taken back, given another time, or let go."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from django.utils import timezone
from ninja import Body, Path, Query, Router, Status
from pydantic import Field

from delivery.queue.waiting import postpone, send_now
from delivery.taking_back import Waiting, find_own, find_waiting, read_waiting, take_back
from mailhost.api.keys import AnyKey, actor
from mailhost.api.responses import ACTING, DELETING, reading, setting
from mailhost.api.schemas import Change, Described, Moment
from mailhost.api.senders import Login, sender_of

router = Router(tags=["Waiting"])

MAX_LISTED = 200
MAX_ID = (1 << 63) - 1
WaitingId = Annotated[int, Path(description="The message's `id`.", ge=1, le=MAX_ID)]


class WaitingBody(Described):
    """A message that has not left."""

    id: int = Field(description="Its number in the queue.")
    subject: str
    to: str = Field(description="As its To says it, for people.")
    release_at: datetime = Field(description="When it leaves.")
    recipients: int = Field(description="How many of them it has not left for.")
    is_held: bool = Field(description="An operator is to look at it first.")
    by: str = Field(
        description="Who else has sent it, under an address that is shared; empty: the account itself."
    )

    @classmethod
    def of(cls, found: Waiting) -> "WaitingBody":
        """From the queue."""
        return cls(
            id=found.message_id,
            subject=found.subject,
            to=found.to,
            release_at=found.release_at,
            recipients=found.recipients,
            is_held=found.is_held,
            by=found.by,
        )


class WaitingList(Described):
    """What leaves first stands first."""

    items: list[WaitingBody]


class WaitingChange(Change):
    """Another time to leave."""

    release_at: Moment = Field(
        strict=False, description="With its zone; to come, and no later than the host lets mail wait."
    )


@router.get("/waiting", response=reading(WaitingList), summary="List what has not left", auth=AnyKey())
def list_waiting(
    request: HttpRequest,
    login: Login = "",
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED, description="How many at most.")] = MAX_LISTED,
) -> WaitingList:
    """Up to so many, by when they leave: what was sent with a time to undo it, or for a later moment, at any door."""
    found = read_waiting(account_id=sender_of(request, login).pk, limit=limit)
    return WaitingList(items=[WaitingBody.of(each) for each in found])


@router.put(
    "/waiting/{waiting_id}", response=setting(WaitingBody), summary="Let it leave later", auth=AnyKey()
)
def change_waiting(
    request: HttpRequest, waiting_id: WaitingId, change: Annotated[WaitingChange, Body()], login: Login = ""
) -> WaitingBody:
    """Gives it another time, also a sooner one. 409 once it is on its way."""
    account = sender_of(request, login)
    find_waiting(message_id=waiting_id, account_id=account.pk)
    postpone(message_id=waiting_id, release_at=change.release_at, by=actor(request), now=timezone.now())
    return WaitingBody.of(find_waiting(message_id=waiting_id, account_id=account.pk))


@router.post("/waiting/{waiting_id}/send-now", response=ACTING, summary="Let it leave now", auth=AnyKey())
def send_waiting_now(request: HttpRequest, waiting_id: WaitingId, login: Login = "") -> Status[None]:
    """It waits no longer, and leaves in a moment. What an operator is to look at stays. 409 once it is on its way."""
    account = sender_of(request, login)
    find_own(message_id=waiting_id, account_id=account.pk)
    send_now(message_id=waiting_id, by=actor(request), now=timezone.now())
    return Status(204, None)


@router.delete("/waiting/{waiting_id}", response=DELETING, summary="Take it back", auth=AnyKey())
def cancel_waiting(request: HttpRequest, waiting_id: WaitingId, login: Login = "") -> Status[None]:
    """Nothing of it is sent; it is a draft of the account again, where there is room. 409 once it is on its way."""
    account = sender_of(request, login)
    take_back(message_id=waiting_id, account_id=account.pk, by=actor(request), now=timezone.now())
    return Status(204, None)
