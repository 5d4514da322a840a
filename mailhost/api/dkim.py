"""/domains/DOMAIN/dkim-keys: what to publish in DNS, and where each key stands."""

from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router
from pydantic import Field

from domains.dkim_keys import make_keys, removable_at
from domains.dkim_records import zone_entry
from domains.models import DkimKey
from domains.registration import find_domain
from mailhost.api.domains import DomainName
from mailhost.api.keys import actor
from mailhost.api.paging import DEFAULT_LIMIT, Cursor, Limit, page
from mailhost.api.responses import WRITES, reading
from mailhost.api.schemas import Described

router = Router(tags=["DKIM keys"])


class DkimKeyBody(Described):
    """A key that a domain's mail is signed with; never the private one."""

    selector: str
    algorithm: str = Field(description="`rsa` or `ed25519`.")
    state: str = Field(
        description="`pending` until its record is seen in DNS, `active` while it signs, `retiring` while mail that it "
        "signed is on its way, `retired` when the private key is wiped."
    )
    record_name: str = Field(description="Where the TXT record belongs.")
    record: str = Field(description="The TXT record, as one value.")
    zone_entry: str = Field(description="The same for a zone file, in strings of 255 octets at most.")
    created_at: datetime
    seen_at: datetime | None = Field(description="When the record was first seen in DNS.")
    checked_at: datetime | None = Field(description="When DNS was last asked.")
    check_note: str = Field(description="What is wrong with the record; empty where nothing is.")
    removable_at: datetime | None = Field(description="From when on the record may be removed.")

    @classmethod
    def of(cls, key: DkimKey) -> "DkimKeyBody":
        """From the row, with its domain."""
        return cls(
            selector=key.selector,
            algorithm=key.algorithm,
            state=key.state,
            record_name=str(key),
            record=key.record,
            zone_entry=zone_entry(key),
            created_at=key.created_at,
            seen_at=key.seen_at,
            checked_at=key.checked_at,
            check_note=key.check_note,
            removable_at=removable_at(key),
        )


class DkimKeyPage(Described):
    """Keys by selector."""

    items: list[DkimKeyBody]
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page; null at the end.")


class DkimKeysMade(Described):
    """What is to be published now."""

    items: list[DkimKeyBody]


@router.get("/domains/{domain}/dkim-keys", response=reading(DkimKeyPage), summary="List DKIM keys")
def list_keys(
    request: HttpRequest, domain: DomainName, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
) -> DkimKeyPage:
    """All keys of the domain by selector, retired ones too, page by page."""
    rows, following = page(
        DkimKey.objects.filter(domain=find_domain(name=domain)).select_related("domain"),
        key="selector",
        limit=limit,
        cursor=cursor,
    )
    return DkimKeyPage(items=[DkimKeyBody.of(row) for row in rows], next_cursor=following)


@router.post(
    "/domains/{domain}/dkim-keys/rotate",
    response={200: DkimKeysMade, **WRITES},
    summary="Make new DKIM keys",
)
def rotate(request: HttpRequest, domain: DomainName) -> DkimKeysMade:
    """A new pair that takes over by itself once its records are seen; keys that wait already are given instead."""
    keys = make_keys(domain=find_domain(name=domain), now=timezone.now(), by=actor(request))
    return DkimKeysMade(items=[DkimKeyBody.of(each) for each in keys])
