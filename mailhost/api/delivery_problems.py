"""/delivery-problems: why mail does not arrive, by cause and by whose host takes it."""

from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router
from pydantic import Field

from delivery.causes import Group, read_problems, read_problems_of
from delivery.complaints import Complaints
from mailboxes.administration import domains_administered_by
from mailhost.api.keys import AnyKey, key_of
from mailhost.api.responses import reading
from mailhost.api.schemas import Described

router = Router(tags=["Trace"])


class ProblemGroup(Described):
    """What waits, or has come back within a day, for one cause at one provider."""

    provider: str = Field(
        description="Whose host it is, by its domain; empty: this host.", examples=["example.net"]
    )
    cause: str = Field(examples=["listed"])
    has_failed: bool = Field(description="It came back; otherwise it waits and is tried again.")
    count: int = Field(description="Recipients, as far as they were counted.")
    is_more: bool = Field(description="There are more than `count`.")
    since: datetime
    next_attempt_at: datetime | None
    destinations: list[str] = Field(description="Some of the domains.")
    destination_count: int
    host: str = Field(description="Who was spoken to last; empty: nobody.")
    reply: str = Field(description="What it said, or what this host has to say.")
    listed_by: str = Field(description="The list that the reply names; empty: none.")
    meaning: str = Field(description="A sentence for people.")
    next_step: str = Field(description="What whoever runs the host or the domain can do.")

    @classmethod
    def of(cls, group: Group) -> "ProblemGroup":
        """From what was counted."""
        return cls(
            provider=group.provider,
            cause=group.cause.value,
            has_failed=group.is_final,
            count=group.count.count,
            is_more=group.count.is_more,
            since=group.since,
            next_attempt_at=group.next_at,
            destinations=list(group.destinations),
            destination_count=group.destination_count,
            host=group.host,
            reply=group.reply,
            listed_by=group.listed_by,
            meaning=group.meaning,
            next_step=group.administrators_step,
        )


class ComplaintGroup(Described):
    """Complaints of people at one provider within a week (RFC 5965)."""

    provider: str = Field(description="Whose people complained, by its domain.", examples=["example.net"])
    count: int = Field(description="Beyond doubt.")
    doubtful: int = Field(description="What nobody vouches for: anybody who got the message may say it.")
    since: datetime
    latest_at: datetime
    senders: dict[str, int] = Field(description="Whose mail it was, and how many: those with most.")
    sender_count: int
    meaning: str = Field(description="A sentence for people.")
    next_step: str = Field(description="What whoever runs the host or the domain can do.")

    @classmethod
    def of(cls, group: Complaints) -> "ComplaintGroup":
        """From what was counted."""
        return cls(
            provider=group.provider,
            count=group.count,
            doubtful=group.doubtful,
            since=group.since,
            latest_at=group.latest,
            senders=dict(group.senders),
            sender_count=group.sender_count,
            meaning=group.meaning,
            next_step=group.administrators_step,
        )


class ProblemList(Described):
    """What waits stands first, each with most mail first."""

    items: list[ProblemGroup]
    complaints: list[ComplaintGroup]
    is_cut: bool = Field(description="There is more than is told.")


@router.get(
    "/delivery-problems", response=reading(ProblemList), summary="Why mail does not arrive", auth=AnyKey()
)
def list_problems(request: HttpRequest) -> ProblemList:
    """Of the whole host; with a key of an account, of what it and the domains that it administers have sent lately."""
    account_id, now = key_of(request).account_id, timezone.now()
    if account_id is None:
        found = read_problems(now=now)
    else:
        domains = domains_administered_by(account_id=account_id)
        found = read_problems_of(account_id=account_id, domains=domains, now=now)
    return ProblemList(
        items=[ProblemGroup.of(each) for each in found.groups],
        complaints=[ComplaintGroup.of(each) for each in found.complaints],
        is_cut=found.is_cut,
    )
