"""Accounts: add, change, find, remove."""

import os
import unicodedata
from collections.abc import Collection, Sequence
from typing import Unpack

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from domains.exceptions import InvalidAddress
from domains.models import CATCH_ALL
from domains.registration import claim_address, find_domain, release_address
from domains.scores import NAMES, Scores, checked_scores, require_order
from mailboxes.exceptions import (
    AccessInvalid,
    AccountNotFound,
    LoginInvalid,
    LoginTaken,
    PasswordRefused,
    UndoSecondsInvalid,
)
from mailboxes.logins import can_be_stored, canonical_login
from mailboxes.models import Account, AccountUsage, Mailbox, Message
from mailboxes.models.account import MAX_UNDO_SECONDS, PROTOCOLS
from mailboxes.store.hierarchy import create_default_mailboxes
from mailboxes.store.locks import announce_on_commit, lock_usage
from mailhost.audit.trail import record
from mailhost.net.database import cursor
from mailhost.protocols import scram
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.imap.capabilities import SWITCHES

SCRAM_ITERATIONS = (
    4096  # RFC 7677 section 4 asks for at least this; argon2 is what guards the stored password
)
SCRAM_SALT_OCTETS = 16
SCRAM_FIELDS = ("scram_salt", "scram_iterations", "scram_stored_key", "scram_server_key")
MAX_LOGIN_CHARACTERS = 400  # as many as are looked at when somebody signs in (authentication.py)
MAX_PASSWORD_CHARACTERS = 256  # a bound on what is hashed, far above what people type


@transaction.atomic
def add_account(
    *,
    address: EmailAddress,
    password: str,
    quota_octets: int | None = None,
    quota_messages: int = 0,
    display_name: str = "",
    is_enabled: bool = True,
    is_operator: bool = False,
    closed_protocols: Sequence[str] = (),
    imap_switched_off: Sequence[str] = (),
    pop3_keeps_copy: bool = False,
    undo_seconds: int = 0,
    by: str,
    **scores: Unpack[Scores],
) -> Account:
    """Makes an account with INBOX, Drafts, Sent, Junk, Trash and Archive.

    Raises DomainNotFound, AddressTaken, DomainAliasInvalid, InvalidAddress, LoginTaken, PasswordRefused, AccessInvalid,
    ScoreInvalid, UndoSecondsInvalid.
    """
    if address.local_part == CATCH_ALL:
        raise InvalidAddress("The catch-all is an alias. Make one that leads to the account.")
    account = Account(
        address=claim_address(address=address),
        display_name=display_name,
        is_enabled=is_enabled,
        is_operator=is_operator,
        quota_octets=settings.DEFAULT_QUOTA_OCTETS if quota_octets is None else quota_octets,
        quota_messages=quota_messages,
        closed_protocols=_protocols(closed_protocols),
        imap_switched_off=_capabilities(imap_switched_off),
        pop3_keeps_copy=pop3_keeps_copy,
        undo_seconds=_undo_seconds(undo_seconds),
        **checked_scores(scores),
    )
    if scores:
        _require_order(account, scores)
    account.login = canonical_login(str(account.address))
    _save_new(account, password, by=by)
    create_default_mailboxes(account_id=account.pk, now=timezone.now())
    return account


@transaction.atomic
def add_operator(*, login: str, password: str, by: str) -> Account:
    """Makes an operator without a mailbox; `login` may be any text on one line.

    Raises LoginTaken, LoginInvalid, PasswordRefused.
    """
    login = canonical_login(login)
    if not login or not _is_plain(login):
        raise LoginInvalid("A login is not empty and has no control characters.")
    if len(login) > MAX_LOGIN_CHARACTERS:
        raise LoginInvalid(f"A login has at most {MAX_LOGIN_CHARACTERS} characters.")
    account = Account(login=login, is_operator=True)
    _save_new(account, password, by=by)
    return account


@transaction.atomic
def change_account(
    *,
    account_id: int,
    quota_octets: int | None = None,
    quota_messages: int | None = None,
    is_enabled: bool | None = None,
    is_operator: bool | None = None,
    display_name: str | None = None,
    recovery_email: str | None = None,
    closed_protocols: Sequence[str] | None = None,
    imap_switched_off: Sequence[str] | None = None,
    pop3_keeps_copy: bool | None = None,
    undo_seconds: int | None = None,
    password: str | None = None,
    by: str,
    **scores: Unpack[Scores],
) -> Account:
    """Changes what is given. Raises AccountNotFound, PasswordRefused, AccessInvalid, ScoreInvalid,
    UndoSecondsInvalid."""
    account = _locked(account_id)
    asked = {
        "quota_octets": quota_octets,
        "quota_messages": quota_messages,
        "is_enabled": is_enabled,
        "is_operator": is_operator,
        "display_name": display_name,
        "recovery_email": recovery_email,
        "closed_protocols": None if closed_protocols is None else _protocols(closed_protocols),
        "imap_switched_off": None if imap_switched_off is None else _capabilities(imap_switched_off),
        "pop3_keeps_copy": pop3_keeps_copy,
        "undo_seconds": None if undo_seconds is None else _undo_seconds(undo_seconds),
    }
    given: dict[str, object] = {name: value for name, value in asked.items() if value is not None}
    given.update(checked_scores(scores))  # None is an answer there
    changes = {name: value for name, value in given.items() if value != getattr(account, name)}
    for name, value in changes.items():
        setattr(account, name, value)
    if not changes.keys().isdisjoint(NAMES):
        _require_order(account, changes)
    if changes:
        account.save(update_fields=list(changes))
        record(by=by, verb="account changed", subject=account.login, **changes)
    if password is not None:
        _set_password(account, password)
        account.save(update_fields=["password", *SCRAM_FIELDS])
        record(by=by, verb="password changed", subject=account.login)
    return account


def set_password(*, account_id: int, password: str, by: str) -> Account:
    """Gives the account another password. Raises AccountNotFound, PasswordRefused."""
    return change_account(account_id=account_id, password=password, by=by)


@transaction.atomic
def remove_account(*, account_id: int, by: str) -> None:
    """Removes the account with all its mail, and frees its address. Raises AccountNotFound."""
    # In the order of store/locks.py, so that what is still at work in a mailbox ends first, and nothing begins.
    lock_usage([account_id])
    account = _locked(account_id)
    rows = Mailbox.objects.select_for_update().filter(account=account).order_by("pk")
    mailboxes = list(rows.values_list("pk", flat=True))
    with cursor() as sql:
        sql.execute("DELETE FROM mailboxes_expunged WHERE mailbox_id = ANY(%s)", (mailboxes,))
    Message.objects.filter(mailbox_id__in=mailboxes).delete()
    address, login = account.address, account.login
    account.delete()
    if address is not None:
        release_address(address)
    record(by=by, verb="account removed", subject=login)
    announce_on_commit(mailboxes)


def find_account(*, address: EmailAddress) -> Account:
    """The account that owns this very address (aliases are not followed). Raises AccountNotFound, DomainNotFound."""
    local_part, name = address.key
    domain = find_domain(name=name)
    accounts = Account.objects.select_related("address__domain", "usage")
    try:
        return accounts.get(address__domain=domain, address__local_part=local_part)
    except Account.DoesNotExist:
        raise AccountNotFound(str(address)) from None


def find_login(login: str) -> Account:
    """The account that signs in so, in any case. Raises AccountNotFound."""
    canonical = canonical_login(login)
    account = Account.objects.filter(login=canonical).first() if can_be_stored(canonical) else None
    if account is None:
        raise AccountNotFound(login)
    return account


def _save_new(account: Account, password: str, *, by: str) -> None:
    _set_password(account, password)
    try:
        with transaction.atomic():
            account.save(force_insert=True)
    except IntegrityError:
        raise LoginTaken(account.login) from None
    AccountUsage.objects.create(account=account)
    record(by=by, verb="account added", subject=account.login, is_operator=account.is_operator)


def _set_password(account: Account, password: str) -> None:
    """Both forms that a password is kept in. Salt and iterations are the account's, so they stay once made."""
    if not password:
        raise PasswordRefused("A password cannot be empty.")
    if len(password) > MAX_PASSWORD_CHARACTERS:
        raise PasswordRefused(f"A password has at most {MAX_PASSWORD_CHARACTERS} characters.")
    if not _is_plain(password):
        raise PasswordRefused("A password cannot hold control characters.")
    account.set_password(password)
    if not account.scram_salt:
        account.scram_salt, account.scram_iterations = os.urandom(SCRAM_SALT_OCTETS), SCRAM_ITERATIONS
    stored_key, server_key = scram.derive(password, bytes(account.scram_salt), account.scram_iterations)
    account.scram_stored_key, account.scram_server_key = stored_key, server_key


def _require_order(account: Account, changed: Collection[str]) -> None:
    require_order(account, *([account.address.domain] if account.address else []), changed=changed)


def _protocols(words: Sequence[str]) -> list[str]:
    if unknown := set(words) - set(PROTOCOLS):
        raise AccessInvalid(f"There is no protocol {min(unknown)}. There are {', '.join(PROTOCOLS)}.")
    return sorted(set(words))


def _capabilities(words: Sequence[str]) -> list[str]:
    if unknown := set(words) - SWITCHES:
        raise AccessInvalid(f"{min(unknown)} is no IMAP capability that can be switched off.")
    return sorted(set(words))


def _undo_seconds(seconds: int) -> int:
    if not 0 <= seconds <= MAX_UNDO_SECONDS:
        raise UndoSecondsInvalid(MAX_UNDO_SECONDS)
    return seconds


def _is_plain(text: str) -> bool:
    """Neither controls nor what came of octets that were no UTF-8: Postgres stores no NUL and no lone surrogate."""
    return not any(unicodedata.category(character) in {"Cc", "Cs"} for character in text)


def _locked(account_id: int) -> Account:
    try:
        return Account.objects.select_for_update(no_key=True).get(pk=account_id)
    except Account.DoesNotExist:
        raise AccountNotFound(str(account_id)) from None
