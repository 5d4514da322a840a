"""What each recipient's account wants: thresholds, its own or its domain's or the host's, and rules for senders."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.conf import settings

from delivery.findings import Finding, Thresholds
from mailboxes.sender_rules import matching_patterns
from mailhost.net.database import cursor

READ = """
SELECT account.id,
       coalesce(account.junk_score, domain.junk_score), coalesce(account.quarantine_score, domain.quarantine_score),
       coalesce(account.refuse_score, domain.refuse_score),
       (SELECT mailbox.id FROM mailboxes_mailbox mailbox
         WHERE mailbox.account_id = account.id AND mailbox.deleted_at IS NULL
           AND (mailbox.special_use = '\\Junk' OR mailbox.name = 'Junk')
         ORDER BY mailbox.special_use = '\\Junk' DESC LIMIT 1),
       rule.pattern, rule.is_allowed
  FROM mailboxes_account account
  LEFT JOIN domains_address address ON address.id = account.address_id
  LEFT JOIN domains_domain domain ON domain.id = address.domain_id
  LEFT JOIN LATERAL (
       SELECT pattern, is_allowed FROM mailboxes_senderrule
        WHERE account_id = account.id AND pattern = ANY(%(patterns)s::text[])
        ORDER BY array_position(%(patterns)s::text[], pattern) LIMIT 1) rule ON true
 WHERE account.id = ANY(%(accounts)s::bigint[])
"""
ALLOWED_SCORE = -100.0  # outweighs points, never what a finding demands


@dataclass(frozen=True, slots=True)
class Policy:
    """junk_mailbox_id: None where the account has none. pattern: of the rule that means the sender, "" for none."""

    thresholds: Thresholds
    junk_mailbox_id: int | None = None
    pattern: str = ""
    is_allowed: bool = False

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
    return {
        account_id: Policy(
            Thresholds(
                settings.JUNK_SCORE if junk is None else junk,
                _or_never(settings.QUARANTINE_SCORE if quarantine is None else quarantine),
                _or_never(settings.REFUSE_SCORE if refuse is None else refuse),
            ),
            junk_mailbox_id,
            pattern or "",
            bool(is_allowed),
        )
        for account_id, junk, quarantine, refuse, junk_mailbox_id, pattern, is_allowed in rows
    }


def read_thresholds(*, account_id: int) -> Thresholds | None:
    """Those that hold for the account, whoever says them; None where it is gone."""
    policy = read_policies(account_ids=[account_id], senders=[]).get(account_id)
    return None if policy is None else policy.thresholds


def _or_never(score: float) -> float | None:
    return score or None
