"""Pauses after refused passwords, told to other processes through Redis.

A try of a route and a delivery test heed what a worker was told by a smarthost, and each other: people press a button
until it works, and so lock the account. Kept by what is said to whom, of which only a hash is written. While Redis is
away nobody knows of another's pause.
"""

import asyncio
import json
import math
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.utils import timezone
from django.utils.crypto import salted_hmac

from delivery.relay.next_hops import NextHop
from delivery.relay.sign_ins import Pause, SignIns
from mailhost.net.redis_clients import RedisAway, shared_breaker

PREFIX: Final = "sign-in-pause:"


def tell_pause(hop: NextHop, pause: Pause) -> None:
    """For as long as it lasts. Waits for Redis, so not in an event loop."""
    seconds = math.ceil((pause.until - timezone.now()).total_seconds())
    value = json.dumps([pause.until.isoformat(), pause.status, pause.said])
    if seconds > 0:
        try:
            shared_breaker().ask(lambda client: client.set(_name(hop), value, ex=seconds))
        except RedisAway:
            pass


def read_pause(hop: NextHop) -> Pause | None:
    """As told by whom it may be."""
    try:
        value = shared_breaker().ask(lambda client: client.get(_name(hop)))
    except RedisAway:
        return None
    if value is None:
        return None
    until, status, said = json.loads(value)
    return Pause(datetime.fromisoformat(until), status, said)


def tell_soon(hop: NextHop, pause: Pause) -> None:
    """In an event loop."""
    asyncio.get_running_loop().run_in_executor(None, tell_pause, hop, pause)


async def shared_sign_ins(hops: Sequence[NextHop]) -> SignIns:
    """With what others know of these hops; what is learned by it is told to others."""
    sign_ins = SignIns(timezone.now, share=tell_soon)
    for hop in hops:
        if hop.departure.credentials is not None:
            pause = await asyncio.to_thread(read_pause, hop)
            if pause is not None:
                sign_ins.learn(hop, pause)
    return sign_ins


def _name(hop: NextHop) -> str:
    known = hop.departure.credentials
    said = [hop.host, hop.port, *([known.login, known.password] if known else [])]
    return PREFIX + salted_hmac(__name__, json.dumps(said), algorithm="sha256").hexdigest()
