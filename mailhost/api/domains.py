"""/domains: who is hosted."""

from typing import Annotated

from django.http import HttpRequest
from ninja import Body, Path, Router, Status

from domains.models import Domain
from domains.registration import find_domain, remove_domain
from mailhost.api.keys import actor
from mailhost.api.paging import DEFAULT_LIMIT, Cursor, Limit, page
from mailhost.api.provisioning import put_domain
from mailhost.api.responses import DELETING, putting, reading
from mailhost.api.schemas import DomainBody, DomainChange, DomainPage

router = Router(tags=["Domains"])

NO_CHANGE = DomainChange()
DomainName = Annotated[
    str, Path(description="A domain, in A- or U-labels and any case.", example="example.org")
]


@router.get("/domains", response=reading(DomainPage), summary="List domains")
def list_domains(request: HttpRequest, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = "") -> DomainPage:
    """All hosted domains by name, page by page."""
    rows, following = page(Domain.objects.select_related("alias_of"), key="name", limit=limit, cursor=cursor)
    return DomainPage(items=[DomainBody.of(row) for row in rows], next_cursor=following)


@router.get("/domains/{domain}", response=reading(DomainBody), summary="Read a domain")
def get_domain(request: HttpRequest, domain: DomainName) -> DomainBody:
    """404 where the domain is not hosted."""
    return DomainBody.of(find_domain(name=domain))


@router.put("/domains/{domain}", response=putting(DomainBody), summary="Host or change a domain")
def set_domain(
    request: HttpRequest, domain: DomainName, change: Annotated[DomainChange, Body()] = NO_CHANGE
) -> Status[DomainBody]:
    """Hosts the domain (201) or changes what is given (200). An empty body will do."""
    row, is_new = put_domain(name=domain, change=change.given(), by=actor(request))
    return Status(201 if is_new else 200, DomainBody.of(row))


@router.delete("/domains/{domain}", response=DELETING, summary="Stop hosting a domain")
def delete_domain(request: HttpRequest, domain: DomainName) -> Status[None]:
    """409 while the domain has accounts, aliases or domain aliases."""
    remove_domain(name=domain, by=actor(request))
    return Status(204, None)
