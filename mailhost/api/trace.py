"""/trace/inbound: what was brought here and what became of it, as far as the key may see it."""

from datetime import datetime
from typing import Annotated

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from delivery import trace
from delivery.models import InboundTrace
from delivery.models.trace import Outcome
from domains.exceptions import DomainNotFound
from domains.registration import domain_name
from mailboxes.administration import domains_administered_by
from mailhost.api.keys import AnyKey, key_of
from mailhost.api.paging import DEFAULT_LIMIT, Cursor, Limit, moment_cursor, read_moment_cursor
from mailhost.api.responses import reading
from mailhost.api.schemas import Described, Moment, Page
from mailhost.protocols.addresses import MAX_ADDRESS_OCTETS

router = Router(tags=["Trace"])

NAMES = {outcome: outcome.name.lower() for outcome in Outcome}


class TraceBody(Described):
    """One recipient of one message, or a session that was refused before it named one."""

    at: datetime
    session: str = Field(description="As the log calls it.")
    trace_id: str = Field(
        description="The id in the reply and in Received; empty where it did not come so far."
    )
    peer: str = Field(description="The client's address.", examples=["192.0.2.1"])
    helo: str
    tls: str = Field(description="Its version; empty without.")
    reverse_path: str = Field(description="MAIL FROM; empty: the null one.")
    forward_path: str = Field(description="RCPT TO; empty where none was named.")
    message_id: str
    size_octets: int
    outcome: str = Field(description=f"One of {', '.join(NAMES.values())}.", examples=["accepted"])
    reply: str = Field(description="What the client was told.")

    @classmethod
    def of(cls, row: InboundTrace) -> "TraceBody":
        """From the row."""
        return cls(
            at=row.at,
            session=row.session,
            trace_id=row.trace_id,
            peer=row.peer,
            helo=row.helo,
            tls=row.tls,
            reverse_path=row.reverse_path,
            forward_path=row.forward_path,
            message_id=row.message_id,
            size_octets=row.size_octets,
            outcome=NAMES[Outcome(row.outcome)],
            reply=row.reply,
        )


class TracePage(Page):
    """What was brought, newest first."""

    items: list[TraceBody]


Text = Annotated[
    str,
    Query(
        max_length=320,
        description="A sender, a recipient, a recipient's domain, a Message-ID, a client's address, a trace id or a "
        "session, whole; empty: everything.",
    ),
]
DomainText = Annotated[
    str,
    Query(
        max_length=MAX_ADDRESS_OCTETS,
        description="Only for recipients there; empty: of all that the key may see.",
    ),
]
Since = Annotated[Moment | None, Query(description="From this moment on, with its zone.")]
Until = Annotated[Moment | None, Query(description="Before this moment, with its zone.")]


@router.get("/trace/inbound", response=reading(TracePage), summary="Find what was brought", auth=AnyKey())
def list_inbound(
    request: HttpRequest,
    text: Text = "",
    domain: DomainText = "",
    since: Since = None,
    until: Until = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> TracePage:
    """Newest first, page by page. A key of an account sees what came for it and for the domains that it administers.

    404 for a domain of which the key may see nothing.
    """
    rows = _visible(request, domain, text=text, since=since, until=until)
    before = read_moment_cursor(cursor)
    if before is not None:
        at, last = before
        rows = rows.filter(Q(at__lt=at) | Q(at=at, pk__lt=last))
    found = list(rows[: limit + 1])
    following = moment_cursor(found[limit - 1].at, found[limit - 1].pk) if len(found) > limit else None
    return TracePage(items=[TraceBody.of(row) for row in found[:limit]], next_cursor=following)


def _visible(
    request: HttpRequest, domain: str, *, text: str, since: datetime | None, until: datetime | None
) -> "QuerySet[InboundTrace]":
    """What the key may see. The domain narrows it, and never widens it. Raises DomainNotFound, InvalidAddress."""
    account_id = key_of(request).account_id
    name = domain_name(domain) if domain else ""
    if account_id is None:
        asked = [name] if name else None
        return trace.search(domains=asked, text=text, since=since, until=until)
    administered = domains_administered_by(account_id=account_id)
    if not name:
        return trace.search(domains=administered, account_id=account_id, text=text, since=since, until=until)
    if name not in administered:
        raise DomainNotFound(name)
    return trace.search(domains=[name], text=text, since=since, until=until)
