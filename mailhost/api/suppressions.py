"""/suppressions: addresses that an account or a domain sends to no more: listed, put there by hand, lifted."""

from datetime import datetime
from typing import Annotated, Literal

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from ninja import Body, Path, Query, Router, Status
from pydantic import AfterValidator, Field

from delivery.models import Suppression
from delivery.suppression import key_of
from delivery.suppression_lists import lift, list_of_account, list_of_domains, list_of_everybody, suppress
from domains.exceptions import DomainNotFound
from domains.models import SuppressionLearning
from domains.registration import domain_name, find_domain, set_suppression_learning
from mailboxes.administration import domains_administered_by
from mailhost.api.keys import AnyKey, actor
from mailhost.api.keys import key_of as key_of_request
from mailhost.api.paging import DEFAULT_LIMIT, Cursor, Limit, number_cursor, read_number_cursor
from mailhost.api.problems import AddressRefused
from mailhost.api.responses import DELETING, reading, setting
from mailhost.api.schemas import Change, Described, Moment, Page, printable
from mailhost.api.senders import visible_sender
from mailhost.protocols.addresses import MAX_ADDRESS_OCTETS, AddressSyntaxError, EmailAddress

router = Router(tags=["Suppression"])

MAX_ID = (1 << 63) - 1


class SuppressionBody(Described):
    """One entry."""

    id: int
    address: str = Field(examples=["bob@example.net"])
    login: str | None = Field(description="The account whose mail is not sent there; null: see `domain`.")
    domain: str | None = Field(
        description="The domain whose accounts' mail is not sent there; null: see `login`."
    )
    source: str = Field(description="One of bounce, complaint, hand.")
    cause: str = Field(description="Why mail came back; empty for others.", examples=["no-such-user"])
    evidence: str = Field(description="The other server's words, or the reason that was given by hand.")
    count: int = Field(description="How often mail came back.")
    since: datetime
    last_at: datetime = Field(description="When mail came back last, or when it was put here.")
    expires_at: datetime | None = Field(description="Null: it stays until it is lifted.")

    @classmethod
    def of(cls, row: Suppression) -> "SuppressionBody":
        """From the row, with its account and domain."""
        return cls(
            id=row.pk,
            address=row.address,
            login=row.account.login if row.account else None,
            domain=row.domain.name if row.domain else None,
            source=row.source,
            cause=row.cause,
            evidence=row.evidence,
            count=row.count,
            since=row.since or row.first_at,
            last_at=row.last_at,
            expires_at=row.expires_at,
        )


class SuppressionPage(Page):
    """The latest first."""

    items: list[SuppressionBody]


class SuppressionChange(Change):
    """For whom: an account, or a whole domain. A key of an account may leave out both, and means that account."""

    login: Annotated[str, AfterValidator(printable)] = Field(default="", max_length=MAX_ADDRESS_OCTETS)
    domain: Annotated[str, AfterValidator(printable)] = Field(default="", max_length=MAX_ADDRESS_OCTETS)
    reason: Annotated[str, AfterValidator(printable)] = Field(default="", max_length=200)
    expires_at: Moment | None = Field(
        default=None, strict=False, description="With its zone; null: until it is lifted."
    )


class LearningBody(Described):
    """Who sends no more to an address whose mail came back, or whose owner has complained."""

    learning: str = Field(description="As it is set.", examples=["several"])


class LearningChange(Change):
    """For whom it is learned in the domain."""

    learning: Literal["accounts", "several", "domain"] = Field(
        description="accounts: for the account that sent it. several: and for all accounts of the domain once it "
        "happened to two of them. domain: for all at once."
    )


AddressPath = Annotated[str, Path(max_length=320, description="The address, whole.")]
DomainPath = Annotated[str, Path(max_length=MAX_ADDRESS_OCTETS, description="A domain that is hosted here.")]
AddressQuery = Annotated[str, Query(max_length=320, description="Only this one; empty: all.")]


@router.get(
    "/suppressions", response=reading(SuppressionPage), summary="List where no mail is sent", auth=AnyKey()
)
def list_suppressions(
    request: HttpRequest, address: AddressQuery = "", limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
) -> SuppressionPage:
    """The latest first, page by page. A key of an account sees its own, and those of domains that it administers."""
    rows = _visible(request).select_related("account", "domain").order_by("-pk")
    if address:
        rows = rows.filter(address=key_of(_parse(address)))
    if (before := read_number_cursor(cursor)) is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: limit + 1])
    following = number_cursor(found[limit - 1].pk) if len(found) > limit else None
    return SuppressionPage(items=[SuppressionBody.of(row) for row in found[:limit]], next_cursor=following)


@router.delete(
    "/suppressions/{int:suppression_id}", response=DELETING, summary="Send there again", auth=AnyKey()
)
def lift_suppression(
    request: HttpRequest,
    suppression_id: Annotated[int, Path(description="The entry's `id`.", ge=1, le=MAX_ID)],
) -> Status[None]:
    """Mail goes there from then on, and what comes back is counted anew."""
    lift(suppression_id=suppression_id, among=_visible(request), by=actor(request))
    return Status(204, None)


@router.put(
    "/suppressions/{address}", response=setting(SuppressionBody), summary="Send there no more", auth=AnyKey()
)
def put_suppression(
    request: HttpRequest, address: AddressPath, change: Annotated[SuppressionChange, Body()]
) -> SuppressionBody:
    """By hand; what stood there of this address, for the same account or domain, gives way."""
    where = _parse(address)
    if change.domain:
        account_id, domain = None, _administered(request, change.domain)
    else:
        account_id, domain = visible_sender(request, change.login).pk, ""
    row = suppress(
        address=where,
        account_id=account_id,
        domain=domain,
        reason=change.reason,
        expires_at=change.expires_at,
        by=actor(request),
        now=timezone.now(),
    )
    return SuppressionBody.of(row)


@router.get(
    "/domains/{domain}/suppression-learning",
    response=reading(LearningBody),
    summary="Read who learns from bounces and complaints",
    auth=AnyKey(),
)
def get_learning(request: HttpRequest, domain: DomainPath) -> LearningBody:
    """With a key of an account: of a domain that it administers."""
    return LearningBody(learning=find_domain(name=_administered(request, domain)).suppression_learning)


@router.put(
    "/domains/{domain}/suppression-learning",
    response=setting(LearningBody),
    summary="Set who learns from bounces and complaints",
    auth=AnyKey(),
)
def put_learning(
    request: HttpRequest, domain: DomainPath, change: Annotated[LearningChange, Body()]
) -> LearningBody:
    """It holds for what comes back from then on. A domain alias has no accounts: it is said of its domain."""
    name, learning = _administered(request, domain), SuppressionLearning(change.learning)
    row = set_suppression_learning(name=name, learning=learning, by=actor(request))
    return LearningBody(learning=row.suppression_learning)


def _visible(request: HttpRequest) -> "QuerySet[Suppression]":
    account_id = key_of_request(request).account_id
    if account_id is None:
        return list_of_everybody()
    own = list_of_account(account_id=account_id)
    domains = domains_administered_by(account_id=account_id)
    return own | list_of_domains(domains=domains) if domains else own


def _administered(request: HttpRequest, domain: str) -> str:
    """Raises DomainNotFound."""
    name, account_id = domain_name(domain), key_of_request(request).account_id
    if account_id is not None and name not in domains_administered_by(account_id=account_id):
        raise DomainNotFound(name)
    return name


def _parse(address: str) -> EmailAddress:
    try:
        return EmailAddress.parse(address)
    except AddressSyntaxError as error:
        raise AddressRefused(address, error, field="address") from error
