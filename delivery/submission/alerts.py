"""Mail to the operators and to who administers the domain, about accounts that send too much: once in a while."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from django.conf import settings

from delivery.acceptance import Acceptance, accept_now
from delivery.routing import AccountDisabled, route
from domains.exceptions import DomainFact
from mailboxes.administration import administrators_of
from mailboxes.exceptions import MailboxFact
from mailboxes.local_recipients import operators_with_a_mailbox
from mailhost.net import counters
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.message.composing import compose
from mailhost.protocols.message.reading import Correspondent
from mailhost.protocols.smtp.paths import ForwardPath

log = structlog.get_logger(__name__)

DAY_SECONDS: Final = 86_400
# Of one kind and one domain. When a hundred accounts run into their limits, who reads of the first ones looks himself.
MAX_A_DAY: Final = 24


@dataclass(frozen=True, slots=True)
class _Reader:
    """To whom it goes, and why: somebody here, or (postmaster@ may lead anywhere) an address elsewhere."""

    to: str
    why: str
    account_ids: tuple[int, ...] = ()
    relay: tuple[EmailAddress, ...] = ()


def alert(
    *,
    key: str,
    every_seconds: int,
    account_id: int,
    domain: str | None,
    subject: str,
    text: str,
    now: datetime,
) -> bool:
    """Sends it, unless there was one of this key within `every_seconds`; whether somebody got it.

    key: "kind:…". It is about the account, which is told only where nobody else is: a thief would read it. A full
    mailbox is no reason to fail, and keeps it from nobody else.
    """
    log.warning("alert", matter=key, subject=subject)
    if counters.increment(f"alert:{key}", window_seconds=every_seconds) > 1:
        return False
    of_its_kind = f"alerts:{key.partition(':')[0]}:{domain or ''}"
    if counters.increment(of_its_kind, window_seconds=DAY_SECONDS) > MAX_A_DAY:
        log.warning("no more alerts of this kind today", matter=key, domain=domain)
        return False
    sent = [_send(each, subject=subject, text=text, now=now) for each in _readers(account_id, domain)]
    return any(sent)


def _readers(account_id: int, domain: str | None) -> list[_Reader]:
    """Operators with a mailbox and administrators of the domain; whoever reads postmaster@ where it has none."""
    found = {
        each.account_id: _Reader(each.login, "you are an operator of this host", (each.account_id,))
        for each in operators_with_a_mailbox()
    }
    administrators = _administrators(domain)
    others = {**found, **administrators}
    concerned = others.pop(account_id, None)
    readers = list(others.values())
    if domain is not None and not administrators.keys() - {account_id}:
        told = set(others)
        readers += [
            each for each in _postmaster(domain) if not told.issuperset(each.account_ids) or each.relay
        ]
    return readers or ([concerned] if concerned else [])


def _administrators(domain: str | None) -> dict[int, _Reader]:
    if domain is None:
        return {}
    rows = administrators_of(domain=domain).filter(
        account__is_enabled=True, account__address__domain__is_enabled=True
    )
    why = f"you administer {domain}"
    return {row.account_id: _Reader(row.account.login, why, (row.account_id,)) for row in rows}


def _postmaster(domain: str) -> list[_Reader]:
    address = EmailAddress("postmaster", domain)
    try:
        found = route(forward_path=ForwardPath(address))
    except (DomainFact, MailboxFact, AccountDisabled):
        return []
    return [_Reader(str(address), f"you read {address}", found.account_ids, found.relay)]


def _send(reader: _Reader, *, subject: str, text: str, now: datetime) -> bool:
    octets = compose(
        from_=Correspondent("Mail host", f"postmaster@{settings.HOSTNAME}"),
        to=[Correspondent("", reader.to)],
        subject=subject,
        text=f"{text}\n\nYou are told because {reader.why}.\n",
        message_id=f"<{secrets.token_hex(16)}@{settings.HOSTNAME}>",
        date=now,
    )
    content = b"Return-Path: <>\r\n" + octets
    try:
        accept_now(Acceptance(content, reader.account_ids, relay=reader.relay), now=now)
    except MailboxFact as fact:
        log.warning("an alert could not be delivered", to=reader.to, reason=str(fact))
        return False
    return True
