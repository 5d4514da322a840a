"""Pauses after refused passwords, as all processes know of them: in Postgres.

Workers, tries of a route and delivery tests heed what any of them was told by a smarthost: each would try the password
again otherwise, people press a button until it works, and providers lock accounts for that. Kept by what is said to
whom, of which only a hash is written. While the database is away nobody knows of another's pause.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from django.utils import timezone
from django.utils.crypto import salted_hmac

from delivery.relay.next_hops import NextHop
from delivery.relay.sign_ins import Pause, SignIns
from delivery.relay.tls.shelf import RunInStore
from mailhost.net.database import cursor
from mailhost.net.store_threads import StoreUnavailable, in_store

log = structlog.get_logger(__name__)

READ: Final = b"SELECT until, status, said FROM delivery_signinpause WHERE name = %s AND until > %s"
# Those that are over go along: there are as many as smarthosts that refuse. One's own row comes first (the count makes
# the other part wait), and of the others only what nobody else is at: so two that tell at once never wait in a circle.
TELL: Final = b"""
WITH told AS (
    INSERT INTO delivery_signinpause AS kept (name, until, status, said)
    VALUES (%(name)s, %(until)s, %(status)s, %(said)s)
        ON CONFLICT (name) DO UPDATE SET until = excluded.until, status = excluded.status, said = excluded.said
     WHERE kept.until < excluded.until
 RETURNING name)
DELETE FROM delivery_signinpause
 WHERE name IN (SELECT name FROM delivery_signinpause
                 WHERE (SELECT count(*) FROM told) >= 0 AND until <= %(now)s AND name <> %(name)s
                   FOR UPDATE SKIP LOCKED)
"""


def tell_pause(hop: NextHop, pause: Pause, *, now: datetime) -> None:
    """For as long as it lasts; a longer one that is known stays."""
    told = {"name": _name(hop), "until": pause.until, "status": pause.status, "said": pause.said, "now": now}
    with cursor() as sql:
        sql.execute(TELL, told)


def read_pause(hop: NextHop, *, now: datetime) -> Pause | None:
    """As told by whom it may be."""
    with cursor() as sql:
        row = sql.execute(READ, (_name(hop), now)).fetchone()
    return Pause(*row) if row is not None else None


@dataclass
class SharedPauses:
    """As sign_ins.Others, of one process."""

    run: RunInStore
    clock: Callable[[], datetime]

    async def known(self, hop: NextHop) -> Pause | None:
        """One that lasts."""
        try:
            return await self.run(read_pause, hop, now=self.clock())
        except StoreUnavailable:
            return None

    async def tell(self, hop: NextHop, pause: Pause) -> None:
        """One begins."""
        try:
            await self.run(tell_pause, hop, pause, now=self.clock())
        except StoreUnavailable:
            log.info("others are not told of a refused password: the database is away", host=hop.host)


async def shared_sign_ins(hops: Sequence[NextHop]) -> SignIns:
    """With what others know of these hops; what is learned by it is told to others."""
    others = SharedPauses(in_store, timezone.now)
    sign_ins = SignIns(timezone.now, others=others)
    for hop in hops:
        if hop.departure.credentials is not None and (pause := await others.known(hop)) is not None:
            sign_ins.learn(hop, pause)
    return sign_ins


def _name(hop: NextHop) -> str:
    known = hop.departure.credentials
    said = [hop.host, hop.port, *([known.login, known.password] if known else [])]
    return salted_hmac(__name__, json.dumps(said), algorithm="sha256").hexdigest()
