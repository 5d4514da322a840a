"""Who signs in: passwords, a cache for those that were right, and brakes on those that were wrong.

The answer never tells whether the login exists: an unknown one costs the same argon2 as a known one.
"""

import functools
import hashlib
import hmac
import ipaddress
import os
import threading
import time
from asyncio import sleep
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import check_password, make_password
from django.http import HttpRequest
from django.utils import timezone

from mailboxes.accounts import MAX_LOGIN_CHARACTERS
from mailboxes.exceptions import AuthenticationFailed, TooManyFailures
from mailboxes.logins import can_be_stored, canonical_login
from mailboxes.models import Account
from mailboxes.store.locks import one
from mailhost.bans.offences import note_offence
from mailhost.net import counters
from mailhost.net.peer_addresses import KNOWN_ADDRESSES
from mailhost.net.store_threads import StoreThreads
from mailhost.protocols.addresses import EmailAddress

MAX_PASSWORD_CHARACTERS = 1_000  # what is compared, not what may be set
FIRST_WAIT_SECONDS = 0.5
MAX_WAIT_SECONDS = 8.0
REMEMBERED_LOGINS = 20_000
HASHES_AT_ONCE = 2  # argon2 takes 19 MiB and a core for 34 ms each

FIND = """
SELECT account.id, account.login, account.password, account.is_operator,
       account.is_enabled AND coalesce(domain.is_enabled, true), address.local_part, domain.name,
       account.closed_protocols, account.imap_switched_off, account.pop3_keeps_copy
  FROM mailboxes_account account
  LEFT JOIN domains_address address ON address.id = account.address_id
  LEFT JOIN domains_domain domain ON domain.id = address.domain_id
 WHERE account.login = %s
"""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who signed in. `address` is None for an operator without a mailbox."""

    account_id: int
    login: str
    address: EmailAddress | None
    is_operator: bool
    imap_switched_off: frozenset[str] = frozenset()  # capabilities, to work around a client
    pop3_keeps_copy: bool = False


class LoginCache:
    """Passwords that were right lately: an HMAC of the password under a key that dies with the process.

    It is bound to the stored hash, which each login reads anyway: a changed password is simply not found here.
    """

    def __init__(self, *, seconds: float, size: int = REMEMBERED_LOGINS) -> None:
        self._key = os.urandom(32)
        self._seconds = seconds
        self._size = size
        self._known: dict[int, tuple[bytes, float]] = {}
        self._lock = threading.Lock()

    def knows(self, account_id: int, password: str, stored: str, *, now: float) -> bool:
        """Whether this very password was right for this very hash not long ago."""
        mark, until = self._known.get(account_id, (b"", 0.0))
        return until > now and hmac.compare_digest(mark, self._mark(password, stored))

    def remember(self, account_id: int, password: str, stored: str, *, now: float) -> None:
        """The password was right."""
        with self._lock:
            if len(self._known) >= self._size:
                self._known.clear()  # rare, and costs each account one more hash
            self._known[account_id] = (self._mark(password, stored), now + self._seconds)

    def _mark(self, password: str, stored: str) -> bytes:
        octets = stored.encode() + b"\0" + password.encode(errors="surrogatepass")
        return hmac.digest(self._key, octets, "sha256")


_cache = LoginCache(seconds=settings.LOGIN_CACHE_SECONDS)
_hashing = threading.BoundedSemaphore(HASHES_AT_ONCE)
_threads = StoreThreads(HASHES_AT_ONCE, "sign-in")
_made_up_hash = ""


def authenticate(*, login: str, password: str, peer: str, protocol: str) -> Principal:
    """The account of this login and password; synchronous, and never waits on purpose.

    Raises AuthenticationFailed (answer after its wait_seconds), TooManyFailures.
    """
    login = canonical_login(login[:MAX_LOGIN_CHARACTERS])
    brakes = Brakes(login, peer)
    brakes.refuse_if_too_many()
    row = find_row(FIND, login)
    if row is None or len(password) > MAX_PASSWORD_CHARACTERS or not can_be_stored(password):
        _check("", None, "")
        raise brakes.failed()
    is_right = _check(row[2], row[0], password)
    principal = principal_of(row, protocol=protocol)
    if not is_right or principal is None:
        raise brakes.failed()
    return principal


def principal_of(row: tuple[Any, ...], *, protocol: str) -> Principal | None:
    """Who a row of FIND is (further columns are ignored); None where the account may not sign in there."""
    account_id, login, _, is_operator, is_enabled, local_part, domain, closed, switched_off, keeps = row[:10]
    if not is_enabled or protocol in closed:
        return None
    address = EmailAddress(local_part, domain) if local_part is not None else None
    return Principal(account_id, login, address, is_operator, frozenset(switched_off), keeps)


async def sign_in(*, login: str, password: str, peer: str, protocol: str) -> Principal:
    """authenticate() for the protocol doors, in threads of its own; a wrong password is answered slowly.

    Raises AuthenticationFailed, TooManyFailures, StoreUnavailable.
    """
    try:
        return await _threads.run(authenticate, login=login, password=password, peer=peer, protocol=protocol)
    except AuthenticationFailed as failure:
        await sleep(failure.wait_seconds)
        raise


class Backend(BaseBackend):
    """Sign-in on the web. AuthenticationFailed and TooManyFailures pass through: the form waits, and words them."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **_: object,
    ) -> Account | None:
        """Django's question; `username` is the login."""
        if username is None or password is None:
            return None
        peer = request.META.get("REMOTE_ADDR", "") if request is not None else ""
        principal = authenticate(login=username, password=password, peer=peer, protocol="web")
        return self.get_user(principal.account_id)

    def get_user(self, user_id: int) -> Account | None:
        """The account of a session, as long as it may sign in at all."""
        return (
            Account.objects.select_related("address__domain")
            .filter(pk=user_id, is_enabled=True)
            .exclude(closed_protocols__contains=["web"])
            .first()
        )


def find_row(statement: str, login: str) -> tuple[Any, ...] | None:
    """The row of the account with this canonical login."""
    return one(statement, (login,)) if can_be_stored(login) else None


def was_right_lately(*, account_id: int, password: str, stored: str) -> bool:
    """Whether this process remembers that the password is right for this very hash. Takes microseconds."""
    return _cache.knows(account_id, password, stored, now=time.monotonic())


def _check(stored: str, account_id: int | None, password: str) -> bool:
    global _made_up_hash
    now = time.monotonic()
    if account_id is not None and _cache.knows(account_id, password, stored, now=now):
        return True
    with _hashing:
        if account_id is None:
            _made_up_hash = _made_up_hash or make_password("nobody's")
            check_password(password, _made_up_hash)
            return False
        is_right = check_password(password, stored)
    if is_right:
        _cache.remember(account_id, password, stored, now=now)
    return is_right


class Brakes:
    """Counts wrong passwords, proofs and tokens for login and network, and for the network, in all doors together.

    Not for the login alone: that would let any stranger shut its owner out.
    """

    def __init__(self, login: str, peer: str) -> None:
        self.peer = peer
        network = _network(peer)
        self.is_trusted = is_trusted(peer)
        digest = hashlib.sha256(login.encode(errors="surrogatepass")).hexdigest()[:32]
        self.account_key = f"wrong-passwords:{digest}:{network}"
        self.address_key = f"wrong-passwords:{network}"

    def refuse_if_too_many(self) -> None:
        """Raises TooManyFailures where no password is looked at any more."""
        if self.is_trusted:
            return
        counts = counters.read_all(self.keys)
        if self._is_guessing(counts):
            note_offence(peer=self.peer, what="went on guessing passwords", now=timezone.now())
        if self.is_closed(counts):
            raise TooManyFailures(settings.LOGIN_WINDOW_SECONDS)

    @property
    def keys(self) -> list[str]:
        """Of the counters that is_closed() asks for."""
        return [self.address_key, self.account_key]

    def is_closed(self, counts: Sequence[int]) -> bool:
        """Whether no password is looked at any more; counts: what the counters of `keys` say."""
        return self._is_guessing(counts) or counts[1] >= settings.LOGIN_MAX_FAILURES_PER_ACCOUNT

    def _is_guessing(self, counts: Sequence[int]) -> bool:
        return counts[0] >= int(settings.LOGIN_MAX_FAILURES_PER_ADDRESS)

    def failed(self) -> AuthenticationFailed:
        """Counts one more, and says how long its answer is to wait."""
        if self.is_trusted:
            return AuthenticationFailed()
        count = counters.increment(self.account_key, window_seconds=settings.LOGIN_WINDOW_SECONDS)
        counters.increment(self.address_key, window_seconds=settings.LOGIN_WINDOW_SECONDS)
        beyond = count - settings.LOGIN_FREE_FAILURES
        wait = min(MAX_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(beyond, 10)) if beyond > 0 else 0.0
        return AuthenticationFailed(wait)


def is_trusted(peer: str) -> bool:
    """Whether wrong passwords from there are not counted."""
    network = _network(peer)
    return network is not None and any(
        network.version == trusted.version and network.network_address in trusted
        for trusted in settings.TRUSTED_NETWORKS
    )


@functools.lru_cache(maxsize=KNOWN_ADDRESSES)
def _network(peer: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """The peer's address, or its /64: that is what one customer has in IPv6."""
    try:
        address = ipaddress.ip_address(peer.split("%", 1)[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    prefix = 32 if address.version == 4 else 64
    return ipaddress.ip_network((address, prefix), strict=False)
