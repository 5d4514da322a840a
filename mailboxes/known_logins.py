"""Signing in straight from the event loop, where the password was right lately (docs/decisions/0011).

Mail clients sign in all the time, and nearly always as they did before. What is answered here is answered with yes;
for all else authentication.sign_in asks again, with its argon2, its brakes and its waits.
"""

import functools
from collections.abc import Sequence
from typing import Any, Protocol

import psycopg
import structlog

from mailboxes.accounts import MAX_LOGIN_CHARACTERS
from mailboxes.authentication import (
    FIND,
    Brakes,
    Principal,
    is_trusted,
    principal_of,
    sign_in,
    was_right_lately,
)
from mailboxes.logins import can_be_stored, canonical_login
from mailhost.net.batcher import Batcher
from mailhost.net.counted_together import LoopCounters
from mailhost.net.peer_addresses import KNOWN_ADDRESSES
from mailhost.net.redis_clients import RedisAway
from mailhost.net.statements import TEXT_OID, Row, Statement, Statements, binary_array
from mailhost.net.store_threads import StoreUnavailable

MAX_ASKED_TOGETHER = 200
# Arrays of words without blanks, as words with blanks between them.
FIND_ALL = Statement.parse(
    FIND.replace("account.closed_protocols", "array_to_string(account.closed_protocols, ' ')")
    .replace("account.imap_switched_off", "array_to_string(account.imap_switched_off, ' ')")
    .replace("account.login = %s", "account.login = ANY(%(logins)b::text[])")
)

log = structlog.get_logger(__name__)


class SignIn(Protocol):
    """authentication.sign_in, or what does the same for one process."""

    async def __call__(self, *, login: str, password: str, peer: str, protocol: str) -> Principal: ...


class KnownLogins:
    """Signs in the clients of one process: its logins of one moment are looked up together.

    To be closed; the counters are their owner's.
    """

    def __init__(self, counters: LoopCounters) -> None:
        self._counters = counters
        self._statements = Statements(plans_once=True)
        self._is_trusted = functools.lru_cache(maxsize=KNOWN_ADDRESSES)(is_trusted)
        self._rows: Batcher[str, tuple[Any, ...] | None] = Batcher(
            self._find, max_weight=MAX_ASKED_TOGETHER, turns=0
        )

    async def sign_in(self, *, login: str, password: str, peer: str, protocol: str) -> Principal:
        """As authentication.sign_in, which words the refusals as well."""
        name = canonical_login(login[:MAX_LOGIN_CHARACTERS])
        # The brakes first: behind them a right password is to take no longer than a wrong one.
        if self._is_trusted(peer) or not await self._is_braked(name, peer):
            principal = await self._known(name, password, protocol)
            if principal is not None:
                return principal
        return await sign_in(login=login, password=password, peer=peer, protocol=protocol)

    async def close(self) -> None:
        """Ends once everybody who waits is answered."""
        await self._rows.close()
        await self._statements.close()

    async def _known(self, login: str, password: str, protocol: str) -> Principal | None:
        if not can_be_stored(login):
            return None
        try:
            row = await self._rows.ask(login)
        except (StoreUnavailable, psycopg.DatabaseError) as error:  # a thread's connection may do better
            log.info("login not looked up", error=str(error).strip())
            return None
        if row is None or not was_right_lately(account_id=row[0], password=password, stored=row[2]):
            return None
        return principal_of(row, protocol=protocol)

    async def _is_braked(self, login: str, peer: str) -> bool:
        """Whether so many wrong passwords came for it, or from there, that a right one is not looked at either.

        True also where Redis does not answer this loop: where wrong ones are counted it may know of some.
        """
        brakes = Brakes(login, peer)
        try:
            return brakes.is_closed(await self._counters.read_all(brakes.keys))
        except RedisAway:
            return True

    async def _find(self, logins: Sequence[str]) -> list[tuple[Any, ...] | None]:
        asked = [login.encode() for login in logins]
        rows = await self._statements.fetch(FIND_ALL, {"logins": binary_array(asked, oid=TEXT_OID)})
        found = {row[1]: row for row in rows}
        return [_decode(found[login]) if login in found else None for login in asked]


def _decode(row: Row) -> tuple[Any, ...]:
    """As FIND gives it."""
    number, login, stored, is_operator, is_enabled, local_part, domain, closed, switched_off, keeps = [
        None if value is None else value.decode() for value in row
    ]
    return (
        int(number or 0),
        login,
        stored,
        is_operator == "t",
        is_enabled == "t",
        local_part,
        domain,
        (closed or "").split(),
        (switched_off or "").split(),
        keeps == "t",
    )
