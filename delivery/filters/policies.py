"""What each recipient's account wants: thresholds, its own or its domain's or the host's, and rules for senders."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.conf import settings

from delivery.findings import Finding, Thresholds, Verdict
from mailboxes.local_recipients import LOCAL_RECIPIENT, LOCAL_RECIPIENT_JOINS, LocalRecipient
from mailboxes.sender_rules import matching_patterns
from mailhost.net.database import cursor

READ = f"""
SELECT {LOCAL_RECIPIENT}, rule.pattern, rule.is_allowed
  FROM mailboxes_account account
  LEFT JOIN domains_address address ON address.id = account.address_id
  LEFT JOIN domains_domain canonical ON canonical.id = address.domain_id
  {LOCAL_RECIPIENT_JOINS}
  LEFT JOIN LATERAL (
       SELECT pattern, is_allowed FROM mailboxes_senderrule
        WHERE account_id = account.id AND pattern = ANY(%(patterns)s::text[])
        ORDER BY array_position(%(patterns)s::text[], pattern) LIMIT 1) rule ON true
 WHERE account.id = ANY(%(accounts)s::bigint[])
"""
ALLOWED_SCORE = -100.0  # outweighs points, never what a finding demands


@dataclass(frozen=True, slots=True)
class Place:
    """One of the account's mailboxes."""

    mailbox_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Policy:
    """junk_mailbox: None where the account has none. pattern: of the rule that means the sender, "" for none."""

    thresholds: Thresholds
    junk_mailbox: Place | None = None
    pattern: str = ""
    is_allowed: bool = False

    @classmethod
    def of(cls, recipient: LocalRecipient, *, pattern: str = "", is_allowed: bool = False) -> "Policy":
        """What the account, its domain or the host wants."""
        thresholds = Thresholds(
            _or_else(recipient.junk_score, settings.JUNK_SCORE),
            _or_else(recipient.quarantine_score, settings.QUARANTINE_SCORE) or None,
            _or_else(recipient.refuse_score, settings.REFUSE_SCORE) or None,
        )
        if recipient.junk_mailbox_id is None or recipient.junk_mailbox_name is None:
            return cls(thresholds, None, pattern, is_allowed)
        place = Place(recipient.junk_mailbox_id, recipient.junk_mailbox_name)
        return cls(thresholds, place, pattern, is_allowed)

    def place(self, verdict: Verdict) -> Place | None:
        """The mailbox that a verdict leads to; None: INBOX."""
        return self.junk_mailbox if verdict.is_junk else None

    def findings(self, *, is_forged: bool) -> Iterable[Finding]:
        """What the account's rule says of the sender; one that is let in has to be the one that it says it is."""
        if not self.pattern:
            return
        if not self.is_allowed:
            text = f"You refuse mail from {self.pattern}."
            yield Finding("sender-rule", "refused", text, score=-ALLOWED_SCORE)
        elif is_forged:
            text = f"You let in mail from {self.pattern}, but this is not proven to be from there."
            yield Finding("sender-rule", "unproven", text)
        else:
            yield Finding(
                "sender-rule", "let-in", f"You let in mail from {self.pattern}.", score=ALLOWED_SCORE
            )


def read_policies(*, account_ids: Collection[int], senders: Iterable[str]) -> dict[int, Policy]:
    """For each account, in one statement. senders: addresses that stand for the sender, the most telling first."""
    parameters = {"accounts": list(account_ids), "patterns": matching_patterns(senders)}
    with cursor() as sql:
        rows = sql.execute(READ.encode(), parameters).fetchall()
    found = {}
    for *columns, pattern, is_allowed in rows:
        recipient = LocalRecipient(*columns)
        found[recipient.account_id] = Policy.of(recipient, pattern=pattern or "", is_allowed=bool(is_allowed))
    return found


def read_thresholds(*, account_id: int) -> Thresholds | None:
    """Those that hold for the account, whoever says them; None where it is gone."""
    policy = read_policies(account_ids=[account_id], senders=[]).get(account_id)
    return None if policy is None else policy.thresholds


def _or_else(score: int | None, otherwise: int) -> int:
    return otherwise if score is None else score
