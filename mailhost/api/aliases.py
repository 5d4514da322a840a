"""/domains/DOMAIN/aliases: addresses that lead to others."""

from typing import Annotated

from django.http import HttpRequest
from ninja import Body, Path, Router, Status

from domains.aliases import find_alias, remove_alias
from domains.models import Alias
from domains.registration import find_domain
from mailhost.api.domains import DomainName
from mailhost.api.keys import actor
from mailhost.api.paging import DEFAULT_LIMIT, Cursor, Limit, page
from mailhost.api.provisioning import address_in, put_alias
from mailhost.api.responses import DELETING, putting, reading
from mailhost.api.schemas import AliasBody, AliasChange, AliasPage

router = Router(tags=["Aliases"])

PATH = "/domains/{domain}/aliases/{path:local_part}"
AliasLocalPart = Annotated[
    str,
    Path(description="The part before the @, percent-encoded; `*` is the catch-all.", example="sales"),
]


@router.get("/domains/{domain}/aliases", response=reading(AliasPage), summary="List aliases")
def list_aliases(
    request: HttpRequest, domain: DomainName, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
) -> AliasPage:
    """The aliases of one domain by local part, page by page."""
    aliases = Alias.objects.filter(address__domain=find_domain(name=domain))
    rows, following = page(
        aliases.select_related("address__domain").prefetch_related("targets"),
        key="address__local_part",
        limit=limit,
        cursor=cursor,
    )
    return AliasPage(items=[AliasBody.of(row) for row in rows], next_cursor=following)


@router.get(PATH, response=reading(AliasBody), summary="Read an alias")
def get_alias(request: HttpRequest, domain: DomainName, local_part: AliasLocalPart) -> AliasBody:
    """404 where the address is not an alias."""
    return AliasBody.of(find_alias(address=address_in(domain, local_part)))


@router.put(PATH, response=putting(AliasBody), summary="Make or change an alias")
def set_alias(
    request: HttpRequest,
    domain: DomainName,
    local_part: AliasLocalPart,
    change: Annotated[AliasChange, Body()],
) -> Status[AliasBody]:
    """Makes the alias (201) or gives it these targets (200). 409 where an account has the address."""
    row, is_new = put_alias(address=address_in(domain, local_part), change=change.given(), by=actor(request))
    return Status(201 if is_new else 200, AliasBody.of(row))


@router.delete(PATH, response=DELETING, summary="Remove an alias")
def delete_alias(request: HttpRequest, domain: DomainName, local_part: AliasLocalPart) -> Status[None]:
    """Frees the address."""
    remove_alias(address=address_in(domain, local_part), by=actor(request))
    return Status(204, None)
