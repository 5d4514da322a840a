"""What puts addresses on a suppression list by hand, takes them off, and shows whoever may do so what is on it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from delivery.models import Suppression, SuppressionSource
from delivery.suppression import MAX_EVIDENCE, POSTMASTER, key_of
from domains.models import Domain
from domains.registration import find_domain
from mailboxes.models import Account
from mailhost.audit.trail import record
from mailhost.protocols.addresses import EmailAddress

MAX_BY_HAND: Final = 10_000  # of one account or domain
LATEST: Final = datetime(
    9000, 1, 1, tzinfo=UTC
)  # what is later some zone's calendar, and psycopg, cannot say


class SuppressionNotFound(Exception):
    """There is no such entry, or not for whoever asks."""

    def __init__(self, which: object) -> None:
        super().__init__(f"There is no entry {which} on this suppression list.")


class SuppressionInvalid(Exception):
    """An entry that makes no sense; the text is a sentence. field: which of its values is meant."""

    def __init__(self, reason: str, *, field: str) -> None:
        super().__init__(reason)
        self.field = field


class TooManySuppressions(Exception):
    """The list has as many entries as are made by hand."""

    def __init__(self) -> None:
        super().__init__(f"A suppression list has at most {MAX_BY_HAND} entries that were made by hand.")


@transaction.atomic
def suppress(
    *,
    address: EmailAddress,
    account_id: int | None = None,
    domain: str = "",
    reason: str = "",
    expires_at: datetime | None = None,
    by: str,
    now: datetime,
) -> Suppression:
    """Puts the address on the list of the account, or of the domain, by hand; what stood there of it gives way.

    Raises SuppressionInvalid, TooManySuppressions; DomainNotFound.
    """
    if expires_at is not None and expires_at <= now:
        raise SuppressionInvalid("An entry expires in time to come, or never.", field="expires_at")
    if expires_at is not None and expires_at > LATEST:
        raise SuppressionInvalid("An entry expires before the year 9000, or never.", field="expires_at")
    if key_of(address).startswith(POSTMASTER):
        raise SuppressionInvalid(
            "A postmaster is never suppressed: who runs a host must be reachable.", field="address"
        )
    owner = _canonical(find_domain(name=domain)) if account_id is None else None
    account = (
        None if account_id is None else Account.objects.select_for_update(no_key=True).get(pk=account_id)
    )
    there = Suppression.objects.filter(account=account, domain=owner, source=SuppressionSource.HAND)
    if there.count() >= MAX_BY_HAND:
        raise TooManySuppressions
    values = {
        "source": SuppressionSource.HAND,
        "cause": "",
        "evidence": reason.replace("\0", "")[:MAX_EVIDENCE],
        "by": by,
        "count": 0,
        "first_at": now,
        "last_at": now,
        "since": now,
        "expires_at": expires_at,
    }
    row, _ = Suppression.objects.update_or_create(
        account=account, domain=owner, address=key_of(address), defaults=values
    )
    record(by=by, verb="address suppressed", subject=_whose(row), address=row.address, reason=row.evidence)
    return row


@transaction.atomic
def lift(*, suppression_id: int, among: "QuerySet[Suppression]", by: str) -> Suppression:
    """Takes the entry off: mail goes there again, and its bounces are counted anew. Raises SuppressionNotFound.

    With a domain's go those of its accounts that bounces have made, from which it was learned. Who was complained about
    stays told.
    """
    found = among.filter(pk=suppression_id).select_related("account", "domain")
    row = found.first()
    if row is not None and row.domain is not None:
        _forget_bounces(row.domain, row.address)
    row = found.select_for_update(of=("self",)).first()
    if row is None:
        raise SuppressionNotFound(suppression_id)
    record(
        by=by,
        verb="suppression lifted",
        subject=_whose(row),
        address=row.address,
        source=row.source,
        evidence=row.evidence,
    )
    Suppression.objects.filter(pk=row.pk).delete()
    return row


def list_of_account(*, account_id: int) -> "QuerySet[Suppression]":
    """What the account itself may lift: its own entries."""
    return Suppression.objects.filter(account_id=account_id, since__isnull=False)


def list_of_domains(*, domains: Iterable[str]) -> "QuerySet[Suppression]":
    """The entries of these domains and of their accounts: what their administrators may lift."""
    names = list(domains)
    whose = Q(domain__name__in=names) | Q(account__address__domain__name__in=names)
    return Suppression.objects.filter(whose, since__isnull=False)


def list_of_everybody() -> "QuerySet[Suppression]":
    """For operators."""
    return Suppression.objects.filter(since__isnull=False)


def remove_expired(*, now: datetime) -> int:
    """Removes entries, and counts of bounces, whose time is over; how many."""
    return Suppression.objects.filter(expires_at__lte=now).delete()[0]


def _forget_bounces(domain: Domain, address: str) -> None:
    """Accounts' entries before the domain's, and in their order, as suppression_learning.py has it."""
    learned = Suppression.objects.filter(
        account__address__domain=domain, address=address, source=SuppressionSource.BOUNCE
    )
    rows = learned.select_for_update(of=("self",)).order_by("account_id").values_list("pk", flat=True)
    Suppression.objects.filter(pk__in=list(rows)).delete()


def _canonical(domain: Domain) -> Domain:
    """Accounts have their addresses in the domain that a domain alias leads to."""
    return domain.alias_of or domain


def _whose(row: Suppression) -> str:
    return row.account.login if row.account else row.domain.name if row.domain else ""
