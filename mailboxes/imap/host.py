"""What all sessions of a process share: bounds, budgets, TLS, and who is signed in."""

import asyncio
import ssl
from dataclasses import dataclass, field

from mailboxes.imap.account_sessions import AccountSessions
from mailboxes.imap.arriving import Arriving
from mailboxes.imap.limits import SessionLimits
from mailboxes.imap.message_budget import MessageBudget
from mailboxes.imap.view import SharedViews
from mailboxes.known_logins import KnownLogins
from mailhost.net.announcements import Watcher

SEARCHES_AT_ONCE = 2


@dataclass(frozen=True)
class ImapHost:
    """See the module."""

    limits: SessionLimits
    watcher: Watcher
    budget: MessageBudget
    accounts: AccountSessions
    arriving: Arriving
    logins: KnownLogins
    tls: ssl.SSLContext | None = None
    allow_plaintext_login: bool = False  # on loopback alone
    switched_off: frozenset[str] = frozenset()  # capabilities
    views: SharedViews = field(default_factory=SharedViews)
    # Searches that read messages take seconds of a store thread: they must leave most of them to everybody else.
    searching: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SEARCHES_AT_ONCE))
