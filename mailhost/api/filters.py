"""/domains/DOMAIN/filters/LOCAL-PART: an account's rules for senders, what is held for it, and why mail is where it is.

Apart from /accounts, where a local part may hold a slash and so reaches to the end of the path.
"""

from typing import Annotated

from django.http import HttpRequest
from django.utils import timezone
from ninja import Body, Path, Query, Router, Status

from delivery import quarantine
from delivery.filters.correcting import put_right
from delivery.models import RecordedVerdict
from mailboxes.accounts import find_account
from mailboxes.models import SenderRule
from mailboxes.sender_rules import find_sender_rule, normalised, remove_sender_rule, set_sender_rule
from mailhost.api.accounts import LocalPart
from mailhost.api.domains import DomainName
from mailhost.api.filter_schemas import (
    HeldBody,
    HeldPage,
    LessonBody,
    LessonChange,
    SenderRuleBody,
    SenderRuleChange,
    SenderRulePage,
    VerdictBody,
    VerdictPage,
)
from mailhost.api.keys import actor
from mailhost.api.paging import DEFAULT_LIMIT, Cursor, Limit, number_cursor, page, read_number_cursor
from mailhost.api.problems import HeldNotFound, SenderRuleNotFound, VerdictNotFound
from mailhost.api.provisioning import address_in
from mailhost.api.responses import ACTING, DELETING, putting, reading, setting

router = Router(tags=["Filters"])

ROOT = "/domains/{domain}/filters/{path:local_part}"
Pattern = Annotated[
    str, Path(description="An address, or `@domain` with its subdomains; percent-encoded.", example="@x.org")
]
MAX_ID = (1 << 63) - 1
HeldId = Annotated[int, Path(description="The held message's `id`.", ge=1, le=MAX_ID)]
ContentId = Annotated[int, Path(description="A `content_id`.", ge=1, le=MAX_ID)]
LetsSenderIn = Annotated[
    bool,
    Query(description="Also makes a rule that lets its author in from now on, where From has an address."),
]
TraceId = Annotated[
    str, Query(max_length=200, description="Only those of this trace id; empty: all of the account.")
]


@router.get(f"{ROOT}/sender-rules", response=reading(SenderRulePage), summary="List sender rules")
def list_rules(
    request: HttpRequest,
    domain: DomainName,
    local_part: LocalPart,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> SenderRulePage:
    """Whom the account lets in and whom it refuses, by pattern, page by page."""
    rules = SenderRule.objects.filter(account_id=_account_id(domain, local_part))
    rows, following = page(rules, key="pattern", limit=limit, cursor=cursor)
    return SenderRulePage(items=[SenderRuleBody.of(row) for row in rows], next_cursor=following)


@router.get(
    f"{ROOT}/sender-rules/{{path:pattern}}", response=reading(SenderRuleBody), summary="Read a sender rule"
)
def get_rule(
    request: HttpRequest, domain: DomainName, local_part: LocalPart, pattern: Pattern
) -> SenderRuleBody:
    """404 where the account has no rule of this very pattern."""
    rule = find_sender_rule(account_id=_account_id(domain, local_part), pattern=pattern)
    if rule is None:
        raise SenderRuleNotFound(normalised(pattern))
    return SenderRuleBody.of(rule)


@router.put(
    f"{ROOT}/sender-rules/{{path:pattern}}", response=putting(SenderRuleBody), summary="Let in or refuse"
)
def set_rule(
    request: HttpRequest,
    domain: DomainName,
    local_part: LocalPart,
    pattern: Pattern,
    change: Annotated[SenderRuleChange, Body()],
) -> Status[SenderRuleBody]:
    """Makes the rule (201) or turns it round (200)."""
    account_id = _account_id(domain, local_part)
    before = find_sender_rule(account_id=account_id, pattern=pattern)
    if before is not None and before.is_allowed == change.is_allowed:
        return Status(200, SenderRuleBody.of(before))
    rule = set_sender_rule(
        account_id=account_id, pattern=pattern, is_allowed=change.is_allowed, by=actor(request)
    )
    return Status(201 if before is None else 200, SenderRuleBody.of(rule))


@router.delete(f"{ROOT}/sender-rules/{{path:pattern}}", response=DELETING, summary="Remove a sender rule")
def delete_rule(
    request: HttpRequest, domain: DomainName, local_part: LocalPart, pattern: Pattern
) -> Status[None]:
    """404 where there is none."""
    account_id = _account_id(domain, local_part)
    if not remove_sender_rule(account_id=account_id, pattern=pattern, by=actor(request)):
        raise SenderRuleNotFound(normalised(pattern))
    return Status(204, None)


@router.get(f"{ROOT}/quarantine", response=reading(HeldPage), summary="List held messages")
def list_held(
    request: HttpRequest,
    domain: DomainName,
    local_part: LocalPart,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> HeldPage:
    """What is held for the account, newest first, page by page."""
    held = quarantine.read_held(
        account_id=_account_id(domain, local_part), older_than=read_number_cursor(cursor), limit=limit + 1
    )
    following = number_cursor(held[limit - 1].quarantined_id) if len(held) > limit else None
    return HeldPage(items=[HeldBody.of(each) for each in held[:limit]], next_cursor=following)


@router.post(f"{ROOT}/quarantine/{{int:held_id}}/release", response=ACTING, summary="Release a held message")
def release(
    request: HttpRequest,
    domain: DomainName,
    local_part: LocalPart,
    held_id: HeldId,
    lets_sender_in: LetsSenderIn = False,
) -> Status[None]:
    """Puts it into the inbox, as of when it came. 409 where there is no room for it, or for a rule more."""
    account_id = _account_id(domain, local_part)
    by, now = actor(request), timezone.now()
    if lets_sender_in:
        count, _ = quarantine.release_and_let_in(account_id=account_id, ids=[held_id], by=by, now=now)
    else:
        count = quarantine.release(account_id=account_id, ids=[held_id], by=by, now=now)
    if not count:
        raise HeldNotFound(held_id)
    return Status(204, None)


@router.delete(f"{ROOT}/quarantine/{{int:held_id}}", response=DELETING, summary="Discard a held message")
def discard(request: HttpRequest, domain: DomainName, local_part: LocalPart, held_id: HeldId) -> Status[None]:
    """It is gone for good."""
    account_id = _account_id(domain, local_part)
    if not quarantine.discard(account_id=account_id, ids=[held_id], by=actor(request)):
        raise HeldNotFound(held_id)
    return Status(204, None)


@router.get(f"{ROOT}/verdicts", response=reading(VerdictPage), summary="List verdicts")
def list_verdicts(
    request: HttpRequest,
    domain: DomainName,
    local_part: LocalPart,
    trace_id: TraceId = "",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> VerdictPage:
    """What the filters said of the account's mail, newest first, page by page."""
    rows = RecordedVerdict.objects.filter(account_id=_account_id(domain, local_part)).order_by("-pk")
    if trace_id:
        rows = rows.filter(trace_id=trace_id.replace("\0", ""))
    older_than = read_number_cursor(cursor)
    if older_than is not None:
        rows = rows.filter(pk__lt=older_than)
    found = list(rows[: limit + 1])
    following = number_cursor(found[limit - 1].pk) if len(found) > limit else None
    return VerdictPage(items=[VerdictBody.of(row) for row in found[:limit]], next_cursor=following)


@router.get(f"{ROOT}/verdicts/{{int:content_id}}", response=reading(VerdictBody), summary="Read a verdict")
def get_verdict(
    request: HttpRequest, domain: DomainName, local_part: LocalPart, content_id: ContentId
) -> VerdictBody:
    """Why the account has this message where it is; 404 where it was not judged, or long ago."""
    account_id = _account_id(domain, local_part)
    row = RecordedVerdict.objects.filter(account_id=account_id, content_id=content_id).first()
    if row is None:
        raise VerdictNotFound(content_id)
    return VerdictBody.of(row)


@router.put(f"{ROOT}/lessons/{{int:content_id}}", response=setting(LessonBody), summary="Say what is junk")
def set_lesson(
    request: HttpRequest,
    domain: DomainName,
    local_part: LocalPart,
    content_id: ContentId,
    change: Annotated[LessonChange, Body()],
) -> LessonBody:
    """The message goes into Junk, or out of it into the inbox, and the filter learns from it at once.

    404 where the account has no such message in its mailboxes.
    """
    found = put_right(
        account_id=_account_id(domain, local_part),
        content_id=content_id,
        is_junk=change.is_junk,
        by=actor(request),
        now=timezone.now(),
    )
    return LessonBody.of(content_id, change.is_junk, found)


def _account_id(domain: str, local_part: str) -> int:
    return find_account(address=address_in(domain, local_part)).pk
