"""Which senders an account lets in whatever filters say, and which it wants nothing of."""

from collections.abc import Iterable

from django.conf import settings
from django.db import transaction

from mailboxes.exceptions import MailboxFact
from mailboxes.models import Account, SenderRule
from mailhost.audit.trail import record
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress, parse_domain


class SenderPatternInvalid(MailboxFact):
    """It is neither an address nor `@domain`."""


class TooManySenderRules(MailboxFact):
    """The account has as many as it may have."""


def normalised(text: str) -> str:
    """An address or `@domain` as it is kept: caseless, the domain in A-labels. Raises SenderPatternInvalid."""
    text = text.strip()
    try:
        if text.startswith("@"):
            return f"@{parse_domain(text[1:])}"
        return "@".join(EmailAddress.parse(text).key)
    except AddressSyntaxError as error:
        raise SenderPatternInvalid(f"{text[:100]} is neither an address nor @domain: {error}") from error


def patterns_for(address: str) -> list[str]:
    """Every pattern that means this address, the most exact first: itself, its domain, the domains above.

    [] for what is no address.
    """
    try:
        local_part, domain = EmailAddress.parse(address, is_lenient=True).key
    except AddressSyntaxError:
        return []
    labels = domain.split(".")
    return [f"{local_part}@{domain}", *(f"@{'.'.join(labels[start:])}" for start in range(len(labels)))]


@transaction.atomic
def set_sender_rule(*, account_id: int, pattern: str, is_allowed: bool, by: str) -> SenderRule:
    """Lets a sender in or refuses it; what was said of the same pattern before is forgotten.

    Raises SenderPatternInvalid, TooManySenderRules.
    """
    pattern = normalised(pattern)
    account = Account.objects.select_for_update(no_key=True).get(pk=account_id)
    others = account.sender_rules.exclude(pattern=pattern).count()
    if others >= settings.MAX_SENDER_RULES:
        raise TooManySenderRules(f"An account may have {settings.MAX_SENDER_RULES} rules for senders.")
    rule, _ = SenderRule.objects.update_or_create(
        account=account, pattern=pattern, defaults={"is_allowed": is_allowed}
    )
    record(
        by=by,
        verb="sender let in" if is_allowed else "sender refused",
        subject=account.login,
        pattern=pattern,
    )
    return rule


def find_sender_rule(*, account_id: int, pattern: str) -> SenderRule | None:
    """The account's rule of this very pattern. Raises SenderPatternInvalid."""
    return SenderRule.objects.filter(account_id=account_id, pattern=normalised(pattern)).first()


@transaction.atomic
def remove_sender_rule(*, account_id: int, pattern: str, by: str) -> bool:
    """Whether there was such a rule. Raises SenderPatternInvalid."""
    account = Account.objects.get(pk=account_id)
    removed = account.sender_rules.filter(pattern=normalised(pattern)).delete()[0] > 0
    if removed:
        record(by=by, verb="sender rule removed", subject=account.login, pattern=pattern)
    return removed


def matching_patterns(senders: Iterable[str]) -> list[str]:
    """Every pattern that means one of these addresses, each once."""
    return list(dict.fromkeys(pattern for sender in senders for pattern in patterns_for(sender)))
