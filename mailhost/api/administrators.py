"""/domains/DOMAIN/administrators: who administers a domain besides the operators."""

from typing import Annotated

from django.http import HttpRequest
from ninja import Path, Router, Status

from domains.registration import find_domain
from mailboxes.administration import administrators_of, appoint_administrator, withdraw_administrator
from mailhost.api.domains import DomainName
from mailhost.api.keys import actor
from mailhost.api.paging import DEFAULT_LIMIT, Cursor, Limit, page
from mailhost.api.responses import DELETING, putting, reading
from mailhost.api.schemas import AdministratorBody, AdministratorPage

router = Router(tags=["Domain administrators"])

PATH = "/domains/{domain}/administrators/{path:login}"
Login = Annotated[
    str,
    Path(
        description="What the account signs in as, percent-encoded, in any case.", example="alice@example.org"
    ),
]


@router.get(
    "/domains/{domain}/administrators",
    response=reading(AdministratorPage),
    summary="List domain administrators",
)
def list_administrators(
    request: HttpRequest, domain: DomainName, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
) -> AdministratorPage:
    """Who administers the domain, by login, page by page; for a domain alias whoever administers its domain."""
    rows, following = page(
        administrators_of(domain=find_domain(name=domain).name),
        key="account__login",
        limit=limit,
        cursor=cursor,
    )
    return AdministratorPage(items=[AdministratorBody.of(row) for row in rows], next_cursor=following)


@router.put(PATH, response=putting(AdministratorBody), summary="Appoint a domain administrator")
def appoint(request: HttpRequest, domain: DomainName, login: Login) -> Status[AdministratorBody]:
    """Lets an account, of this domain or another one, administer the domain (201; 200 where it does already)."""
    row, is_new = appoint_administrator(domain=domain, login=login, by=actor(request))
    return Status(201 if is_new else 200, AdministratorBody.of(row))


@router.delete(PATH, response=DELETING, summary="Withdraw a domain administrator")
def withdraw(request: HttpRequest, domain: DomainName, login: Login) -> Status[None]:
    """The account stays, and administers the domain no more. 404 where it did not."""
    withdraw_administrator(domain=domain, login=login, by=actor(request))
    return Status(204, None)
