"""/trace: one search over what came, what waits and what left, and a message's whole way, as far as the key may see."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router
from pydantic import Field

from delivery.trace import wording
from delivery.trace.asking import EVERYTHING, MAX_WORDS, STATES, Asked, Scope
from delivery.trace.notices import MAX_NOTICES, Notice, number_of, opened
from delivery.trace.searching import Found, PlaceInvalid, find
from delivery.trace.timeline import Judgement, Step, Timeline, key_of, read_timeline
from domains.exceptions import DomainNotFound
from domains.registration import domain_name
from mailboxes.administration import domains_administered_by
from mailhost.api.keys import AnyKey
from mailhost.api.keys import key_of as api_key_of
from mailhost.api.paging import DEFAULT_LIMIT, Cursor, Limit, read_text_cursor, text_cursor
from mailhost.api.problems import CursorInvalid, MessageNotFound, StateUnknown
from mailhost.api.responses import reading
from mailhost.api.schemas import Described, Moment, Page
from mailhost.protocols.addresses import MAX_ADDRESS_OCTETS

router = Router(tags=["Trace"])


class RowBody(Described):
    """What is known of one recipient of a message, at one moment or, in the queue, now."""

    source: Literal["inbound", "queue", "outbound"] = Field(
        description="What was brought here, what waits here now, or what happened on the way out."
    )
    at: datetime = Field(description="When it happened; in the queue: since when it is there.")
    state: str = Field(description=f"One of {', '.join(STATES)}.", examples=["delivered"])
    text: str = Field(description="What became of it, in words.", examples=["taken by mx.example.net"])
    reverse_path: str = Field(description="MAIL FROM; empty: the null one.")
    forward_path: str = Field(description="RCPT TO; empty where none was named.")
    message_id: str
    subject: str = Field(description="Empty unless subjects are kept (`MAILHOST_TRACE_SUBJECTS`).")
    address: str = Field(description="The client's, or the other host's; empty where there was none.")
    name: str = Field(description="As the client called itself, the other host's, or the next hop's.")
    tls: str = Field(description="Version and cipher; empty: in clear, or nobody was spoken to.")
    certificate: str = Field(
        description="What the other host's certificate was found to be; empty: in clear, or it was brought here.",
        examples=["mta-sts verified"],
    )
    reply: str = Field(description="What was answered, or what this host has to say.")
    cause: str = Field(description="Why it was put off or refused, where that is known.")
    trace_id: str = Field(description="The id in the reply and in Received, of what was brought.")
    session: str = Field(description="As the log calls it.")
    queue_id: int | None = Field(description="The message's number in the queue.")
    next_at: datetime | None = Field(description="In the queue: the next try, or when it leaves.")
    failures: int = Field(
        description="In the queue: how often in a row the next hop was tried and not reached, for which it waits; or 0."
    )
    tried_at: datetime | None = Field(
        description="In the queue: when it, or what it waits for, was last tried."
    )
    key: str = Field(description="By which `/trace/message` tells its whole way; empty: it has no name.")

    @classmethod
    def of(cls, row: Found) -> "RowBody":
        """With its words."""
        return cls(
            source=row.source,
            at=row.at,
            state=row.state,
            text=wording.what_became(row),
            reverse_path=row.reverse_path,
            forward_path=row.forward_path,
            message_id=row.message_id,
            subject=row.subject,
            address=row.peer,
            name=row.name,
            tls=row.tls,
            certificate=row.certificate,
            reply=row.reply,
            cause=row.cause,
            trace_id=row.trace_id,
            session=row.session,
            queue_id=row.queue_id,
            next_at=row.next_at,
            failures=row.failures,
            tried_at=row.tried_at,
            key=key_of(row),
        )


class RowPage(Page):
    """What was found, newest first."""

    items: list[RowBody]


class NoticeBody(Described):
    """What the sender was told."""

    text: str = Field(description="In words.")
    fields: str = Field(description="The report for programs (RFC 3464); empty where there is none.")


class StepBody(RowBody):
    """One step of a message's way. `forward_paths`: all to whom the same happened at that moment."""

    forward_paths: list[str]
    original_paths: list[str] = Field(
        description="The aliases that were written to, where these lead there, as long as the queue knows it."
    )
    notice: NoticeBody | None = Field(
        description="Of the states reported and untold, the notice, as long as it is kept; null where it is gone, or "
        "`notice_left_out`."
    )
    notice_left_out: bool = Field(
        description=f"Whether it was not looked for: only the newest {MAX_NOTICES} of a message are."
    )

    @classmethod
    def of_step(cls, step: Step, notices: Mapping[int, Notice], looked_for: Collection[int]) -> "StepBody":
        """As it is told."""
        number = number_of(step.row)
        found = notices.get(number) if number is not None else None
        return cls(
            **RowBody.of(step.row).model_dump(),
            forward_paths=list(step.forward_paths),
            original_paths=list(step.original_paths),
            notice=NoticeBody(text=found.text, fields=found.fields) if found else None,
            notice_left_out=number is not None and number not in looked_for,
        )


class JudgementBody(Described):
    """What the filters said of the message for one account."""

    login: str
    action: str = Field(description="One of deliver, junk, quarantine, refuse.")
    score: float
    findings: list[str] = Field(description="In words, what weighs most first.")

    @classmethod
    def of(cls, judged: Judgement) -> "JudgementBody":
        """From the verdict."""
        return cls(
            login=judged.login,
            action=judged.action.name.lower(),
            score=judged.score,
            findings=[text for text, _ in judged.findings],
        )


class WayBody(Described):
    """A message from its arrival to the last notice about it."""

    message_id: str
    subject: str = Field(description="Empty unless subjects are kept (`MAILHOST_TRACE_SUBJECTS`).")
    steps: list[StepBody] = Field(description="From the first to the last.")
    standing: list[RowBody] = Field(description="What is in the queue now.")
    judgements: list[JudgementBody] = Field(description="Those that the key may see.")
    is_cut: bool = Field(description="So much happened that only the newest steps are told.")

    @classmethod
    def of(cls, found: Timeline) -> "WayBody":
        """As far as it is known."""
        looked_for = frozenset(opened(step.row for step in found.steps))
        return cls(
            message_id=found.message_id,
            subject=found.subject,
            steps=[StepBody.of_step(each, found.notices, looked_for) for each in found.steps],
            standing=[RowBody.of(each) for each in found.standing],
            judgements=[JudgementBody.of(each) for each in found.judgements],
            is_cut=found.is_cut,
        )


def _words(description: str) -> Any:
    return Query(max_length=MAX_WORDS, description=f"{description} Empty: any.")  # type: ignore[type-arg]


Text = Annotated[
    str,
    _words(
        "A sender, a recipient, a domain, a Message-ID, a client's or other host's address or name, a trace id, a "
        "session, the queue's number (`Q17`), or words of a subject; whole."
    ),
]
Sender = Annotated[str, _words("MAIL FROM, whole; `<>`: the null one.")]
Recipient = Annotated[str, _words("RCPT TO, whole.")]
MessageId = Annotated[str, _words("With or without its angle brackets.")]
Subject = Annotated[str, _words("Words of the subject, where subjects are kept.")]
Address = Annotated[str, _words("The client's or the other host's address, or the other host's name.")]
State = Annotated[list[str], Query(description=f"Any of {', '.join(STATES)}; none: all.", max_length=20)]
DomainText = Annotated[
    str,
    Query(
        max_length=MAX_ADDRESS_OCTETS,
        description="Only what came for it or was sent under its name; empty: all that the key may see.",
    ),
]
Since = Annotated[Moment | None, Query(description="From this moment on, with its zone.")]
Until = Annotated[Moment | None, Query(description="Before this moment, with its zone.")]
Which = Annotated[
    str,
    Query(
        alias="id",
        min_length=1,
        max_length=1_000,
        description="A Message-ID, a trace id, or the queue's number (`Q17`).",
    ),
]


@router.get("/trace", response=reading(RowPage), summary="Find what became of messages", auth=AnyKey())
def search_trace(
    request: HttpRequest,
    text: Text = "",
    sender: Sender = "",
    recipient: Recipient = "",
    message_id: MessageId = "",
    subject: Subject = "",
    address: Address = "",
    state: State = [],  # noqa: B006  # as ninja wants the default of a list
    domain: DomainText = "",
    since: Since = None,
    until: Until = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> RowPage:
    """What came, what waits and what left, as one list, newest first. Everything that is given must be so.

    A key of an account sees what it got and sent, and the same of the domains that it administers. 404 for a domain
    of which the key may see nothing.
    """
    unknown = set(state) - set(STATES)
    if unknown:
        raise StateUnknown(min(unknown))
    asked = Asked(
        text=text,
        sender=sender,
        recipient=recipient,
        message_id=message_id,
        subject=subject,
        address=address,
        states=tuple(state),
        since=since,
        until=until,
    )
    try:
        found = find(
            asked, _scope(request, domain), limit=limit, now=timezone.now(), after=read_text_cursor(cursor)
        )
    except PlaceInvalid:
        raise CursorInvalid from None
    return RowPage(items=[RowBody.of(row) for row in found.rows], next_cursor=text_cursor(found.following))


@router.get("/trace/message", response=reading(WayBody), summary="Tell a message's whole way", auth=AnyKey())
def show_message(request: HttpRequest, which: Which) -> WayBody:
    """From its arrival to the last notice about it, as far as the key may see it; 404 where that is nothing."""
    found = read_timeline(which, _scope(request, ""), now=timezone.now())
    if found is None:
        raise MessageNotFound(which)
    return WayBody.of(found)


def _scope(request: HttpRequest, domain: str) -> Scope:
    """What the key may see. The domain narrows it, and never widens it. Raises DomainNotFound, InvalidAddress."""
    key = api_key_of(request)
    name = domain_name(domain) if domain else ""
    if key.account is None:
        return Scope(domains=(name,)) if name else EVERYTHING
    administered = tuple(domains_administered_by(account_id=key.account.pk))
    if not name:
        return Scope(domains=administered, account_id=key.account.pk, login=key.account.login)
    if name not in administered:
        raise DomainNotFound(name)
    return Scope(domains=(name,))
