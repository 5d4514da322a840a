"""/domains/DOMAIN/accounts: who has mail there."""

from typing import Annotated

from django.http import HttpRequest
from ninja import Body, Path, Router, Status

from domains.registration import find_domain
from mailboxes.accounts import find_account
from mailboxes.models import Account
from mailhost.api.domains import DomainName
from mailhost.api.keys import actor
from mailhost.api.paging import DEFAULT_LIMIT, Cursor, Limit, page
from mailhost.api.provisioning import address_in, delete_account, put_account
from mailhost.api.responses import DELETING, putting, reading
from mailhost.api.schemas import AccountBody, AccountChange, AccountPage

router = Router(tags=["Accounts"])

PATH = (
    "/domains/{domain}/accounts/{path:local_part}"  # a local part may hold a slash (RFC 5321 section 4.1.2)
)
LocalPart = Annotated[
    str, Path(description="The part before the @, percent-encoded, in any case.", example="alice")
]


@router.get("/domains/{domain}/accounts", response=reading(AccountPage), summary="List accounts")
def list_accounts(
    request: HttpRequest, domain: DomainName, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
) -> AccountPage:
    """The accounts of one domain by local part, page by page."""
    accounts = Account.objects.filter(address__domain=find_domain(name=domain))
    rows, following = page(
        accounts.select_related("address__domain", "usage"),
        key="address__local_part",
        limit=limit,
        cursor=cursor,
    )
    return AccountPage(items=[AccountBody.of(row) for row in rows], next_cursor=following)


@router.get(PATH, response=reading(AccountBody), summary="Read an account")
def get_account(request: HttpRequest, domain: DomainName, local_part: LocalPart) -> AccountBody:
    """With what its messages take now."""
    return AccountBody.of(find_account(address=address_in(domain, local_part)))


@router.put(PATH, response=putting(AccountBody), summary="Make or change an account")
def set_account(
    request: HttpRequest,
    domain: DomainName,
    local_part: LocalPart,
    change: Annotated[AccountChange, Body()],
) -> Status[AccountBody]:
    """Makes the account (201; a password is needed) or changes what is given (200)."""
    row, is_new = put_account(
        address=address_in(domain, local_part), change=change.given(), by=actor(request)
    )
    return Status(201 if is_new else 200, AccountBody.of(row))


@router.delete(PATH, response=DELETING, summary="Remove an account and its mail")
def remove(request: HttpRequest, domain: DomainName, local_part: LocalPart) -> Status[None]:
    """Removes the account and all its mail, and frees the address."""
    delete_account(address=address_in(domain, local_part), by=actor(request))
    return Status(204, None)
