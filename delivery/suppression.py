"""The suppression list: put on it, taken off it, asked for what is on it.

Sending on to addresses that are gone, or whose owners have complained, is what providers judge a host by. So an
account, or a domain, sends there no more until the entry expires or somebody lifts it. What comes in is no matter of
this list, nor what this host has to say itself (DSNs), nor any postmaster, who must be reachable (RFC 5321 section
4.5.1).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from delivery.models import Suppression, SuppressionSource
from delivery.models.trace import Event
from delivery.trace.outbound import note
from domains.models import Domain
from domains.registration import find_domain
from mailboxes.models import Account
from mailhost.audit.trail import record
from mailhost.net.database import cursor
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress
from mailhost.protocols.bounce_causes import Cause
from mailhost.protocols.cause_words import WORDS
from mailhost.protocols.dsn_words import SUPPRESSED

MAX_BY_HAND: Final = 10_000  # of one account or domain
MAX_EVIDENCE: Final = 500  # characters
POSTMASTER: Final = "postmaster@"
LATEST: Final = datetime(
    9000, 1, 1, tzinfo=UTC
)  # what is later some zone's calendar, and psycopg, cannot say

# RFC 3463 section 3.8, X.7.1: delivery not authorized. Not 5.1.1, which would say of an address that it does not exist,
# and not 5.2.1: it is no fact about the mailbox, but this host that sends nothing there until somebody lifts it.
STATUS: Final = "5.7.1"

# Of `suppression`; an account's own, and those of the domain that it has its address in.
ACTIVE: Final = (
    "suppression.since IS NOT NULL AND (suppression.expires_at IS NULL OR suppression.expires_at > %(now)s)"
)
AMONG: Final = f"""
SELECT address, source, cause, evidence, last_at, count, domain_id IS NOT NULL, expires_at
  FROM delivery_suppression suppression
 WHERE address = ANY(%(addresses)s::text[]) AND {ACTIVE}
   AND (account_id = %(account_id)s
        OR domain_id = (SELECT address.domain_id FROM mailboxes_account account
                          JOIN domains_address address ON address.id = account.address_id
                         WHERE account.id = %(account_id)s))
 ORDER BY domain_id IS NOT NULL
"""
HELD_BACK: Final = b"""
UPDATE delivery_queuedrecipient recipient
   SET state = 'bounced', finished_at = %(now)s, last_status = %(status)s, last_reply = row.reply, cause = row.cause,
       report_due = CASE WHEN message.reverse_path <> ''
                          AND (recipient.notify = '' OR upper(recipient.notify) LIKE '%%FAILURE%%')
                         THEN 'failed' ELSE '' END
  FROM unnest(%(ids)s::bigint[], %(replies)s::text[], %(causes)s::text[]) row(id, reply, cause),
       delivery_queuedmessage message
 WHERE recipient.id = row.id AND message.id = recipient.message_id
   AND recipient.state IN ('queued', 'waiting', 'held', 'captured')
"""
QUEUED: Final = b"""
SELECT recipient.id, forward_path
  FROM delivery_queuedrecipient recipient JOIN delivery_destination destination ON destination.id = destination_id
 WHERE message_id = %s AND state IN ('queued', 'waiting', 'held', 'captured') AND destination.name <> ''
"""


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


class RecipientsSuppressed(Exception):
    """Nothing is sent to some of these recipients; the text has a sentence or two for each."""

    def __init__(self, found: Sequence["Suppressed"]) -> None:
        self.sentences = [f"{each.why.rstrip('.')}. {each.who_lifts}" for each in found]
        super().__init__(" ".join(self.sentences))


@dataclass(frozen=True, slots=True)
class Suppressed:
    """An address that this account sends nothing to. is_domains: nobody of its domain does."""

    address: str
    source: SuppressionSource
    cause: str
    evidence: str
    last_at: datetime
    count: int
    is_domains: bool
    expires_at: datetime | None

    @property
    def why(self) -> str:
        """A sentence without its full stop."""
        day = f"{self.last_at:%Y-%m-%d}"
        match self.source:
            case SuppressionSource.BOUNCE:
                return f"Mail to {self.address} came back on {day}: {meaning(self.cause)}"
            case SuppressionSource.COMPLAINT:
                return f"{self.address} complained about mail on {day}"
            case SuppressionSource.HAND:
                because = f": {self.evidence}" if self.evidence else ""
                return f"{self.address} was put on the suppression list on {day}{because}"

    @property
    def who_lifts(self) -> str:
        """A sentence."""
        if self.is_domains:
            return "An administrator of your domain can lift it."
        return "You can lift it in webmail, under Your account, Suppressed addresses."

    @property
    def reply(self) -> str:
        """What SMTP says of it: one line of printable ASCII (RFC 5321 section 4.5.3.1.5 bounds it)."""
        text = f"{self.why.rstrip('.')}. {self.who_lifts}"
        return "".join(each if " " <= each <= "~" else "?" for each in text)[:400]


def meaning(cause: str) -> str:
    """What a stored cause means, as the end of a sentence."""
    words = WORDS[Cause(cause)][0] if cause in set(Cause) else WORDS[Cause.OTHER][0]
    return words[0].lower() + words[1:].rstrip(".")


def key_of(address: EmailAddress) -> str:
    """As the list has it."""
    return "@".join(address.key)


def key_of_path(forward_path: str) -> str:
    """The same of a forward-path of the queue."""
    try:
        return key_of(EmailAddress.parse(forward_path, is_lenient=True))
    except AddressSyntaxError:
        return forward_path.lower()


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
    """Takes the entry off: mail goes there again, and its bounces are counted anew. Raises SuppressionNotFound."""
    row = (
        among.filter(pk=suppression_id)
        .select_related("account", "domain")
        .select_for_update(of=("self",))
        .first()
    )
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


def suppressed_among(*, account_id: int, addresses: Sequence[str], now: datetime) -> dict[str, Suppressed]:
    """Those of these addresses (as key_of has them) that the account sends nothing to; one statement.

    Where both the account and its domain say so, what the domain says is told.
    """
    asked = [each for each in addresses if not each.startswith(POSTMASTER)]
    if not asked:
        return {}
    with cursor() as sql:
        rows = sql.execute(
            AMONG.encode(), {"addresses": asked, "account_id": account_id, "now": now}
        ).fetchall()
    return {row[0]: Suppressed(row[0], SuppressionSource(row[1]), *row[2:]) for row in rows}


def require_unsuppressed(*, account_id: int, addresses: Iterable[EmailAddress], now: datetime) -> None:
    """For doors where a message is handed in whole. Raises RecipientsSuppressed."""
    keys = [key_of(each) for each in addresses]
    found = suppressed_among(account_id=account_id, addresses=keys, now=now)
    if found:
        raise RecipientsSuppressed(list(found.values()))


def hold_back(*, message_id: int, account_id: int, addresses: Sequence[str], now: datetime) -> None:
    """Bounces these recipients of a message that was queued just now, in the same transaction: they are never tried,
    and the reverse-path is told why."""
    found = suppressed_among(account_id=account_id, addresses=addresses, now=now)
    with cursor() as sql:
        paths = sql.execute(QUEUED, (message_id,)).fetchall()
        rows = [(number, found[key]) for number, path in paths if (key := key_of_path(path)) in found]
        if not rows:
            return
        sql.execute(
            HELD_BACK,
            {
                "ids": [number for number, _ in rows],
                "replies": [f"{SUPPRESSED} {each.reply}" for _, each in rows],
                "causes": [each.cause or Cause.POLICY.value for _, each in rows],
                "status": STATUS,
                "now": now,
            },
        )
    for number, each in rows:
        note([number], event=Event.BOUNCED, now=now, reply=f"{SUPPRESSED} {each.reply}", cause=each.cause)


def remove_expired(*, now: datetime) -> int:
    """Removes entries, and counts of bounces, whose time is over; how many."""
    return Suppression.objects.filter(expires_at__lte=now).delete()[0]


def _canonical(domain: Domain) -> Domain:
    """Accounts have their addresses in the domain that a domain alias leads to."""
    return domain.alias_of or domain


def _whose(row: Suppression) -> str:
    return row.account.login if row.account else row.domain.name if row.domain else ""
