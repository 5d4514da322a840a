"""Could mail leave by this route now? Connects, encrypts, signs in, says MAIL as the worker would, and sends nothing.

Who has refused the password lately is left alone, as by the worker.

Of a pool every address is tried. Where a route leads to the recipients' own MX hosts, there is nobody to connect to
before a recipient is known: the delivery test does that.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Final

from delivery.probe import PATIENCE
from delivery.probe_steps import State, Step, extensions_in_words
from delivery.relay import set_up
from delivery.relay.connection import ConnectFailed, RelayConnection, Timeouts, open_connection
from delivery.relay.departure import Source, missing
from delivery.relay.next_hops import NextHop, Route, find_next_hops
from delivery.relay.outcome import Bounced, Deferred
from delivery.relay.sign_in_pauses import shared_sign_ins
from delivery.relay.tls.policy import OPPORTUNISTIC
from delivery.relay.tls.verifying import Securing
from delivery.relay.wire import WireLost
from mailhost.net.resolver import Resolver

MAX_TRIED: Final = 8  # connections, of a pool with many addresses
ALL_SECONDS: Final = 45.0


async def try_route(
    route: Route,
    *,
    resolver: Resolver,
    own_name: str,
    timeouts: Timeouts = PATIENCE,
    tls: Securing | None = None,
) -> list[Step]:
    """What was done, and what it came to. Raises nothing that is to be expected."""
    steps: list[Step] = []
    try:
        async with asyncio.timeout(ALL_SECONDS):
            await _try(route, steps, resolver=resolver, own_name=own_name, timeouts=timeouts, tls=tls)
    except TimeoutError:
        steps.append(
            Step("Time", State.FAILED, f"It took more than {ALL_SECONDS:.0f} seconds, and was broken off.")
        )
    return steps


async def _try(
    route: Route,
    steps: list[Step],
    *,
    resolver: Resolver,
    own_name: str,
    timeouts: Timeouts,
    tls: Securing | None,
) -> None:
    if route.fault:
        steps.append(Step("Route", State.FAILED, route.fault))
        return
    absent = missing(route.sources)
    for address in absent:
        text = f"{address} is not an address of this machine: nothing is sent from it."
        steps.append(Step("Addresses", State.FAILED, text))
    present = [each for each in route.sources if each.address not in absent]
    if route.sources and present:
        named = ", ".join(each.address for each in present)
        steps.append(Step("Addresses", State.DONE, f"This machine has {named}."))
    if route.smarthost is None:
        text = "It leads to the recipients' own mail servers: the delivery test connects to those of one recipient."
        steps.append(Step("Mail servers", State.NOTED, text))
        return
    for source in ([*present] if route.sources else [None])[:MAX_TRIED]:
        await _connect(route, source, steps, resolver=resolver, own_name=own_name, timeouts=timeouts, tls=tls)


async def _connect(
    route: Route,
    source: Source | None,
    steps: list[Step],
    *,
    resolver: Resolver,
    own_name: str,
    timeouts: Timeouts,
    tls: Securing | None,
) -> None:
    """From one address of the pool, to the first of the smarthost's addresses that answers."""
    hops = await find_next_hops(
        "",
        resolver=resolver,
        route=replace(route, sources=(source,) if source else ()),
        random=Random(),
        which_are_ours=_nobody,
    )
    if isinstance(hops, Deferred | Bounced):
        steps.append(Step("Smarthost", State.FAILED, hops.reply))
        return
    sign_ins = await shared_sign_ins(hops)
    for hop in hops:
        if refusal := sign_ins.refusal(hop):
            steps.append(Step("Signing in", State.FAILED, f"It was not tried. {refusal.reply}"))
            return
        began = time.monotonic()
        try:
            connection = await open_connection(
                hop,
                own_name=own_name,
                timeouts=timeouts,
                tls=tls or Securing(OPPORTUNISTIC),
                sign_ins=sign_ins,
            )
        except ConnectFailed as failed:
            text = f"{_where(hop)}: {failed.outcome.reply}"
            steps.append(Step("Connection", State.FAILED, text, time.monotonic() - began))
            continue
        seconds = time.monotonic() - began
        peer = connection.peer
        steps.append(Step("Connection", State.DONE, f"{_where(hop)} answers.", seconds))
        said = f"{peer.tls}; certificate: {peer.certificate}" if peer.tls else "none"
        steps.append(Step("Encryption", State.DONE if peer.tls else State.NOTED, f"Encryption: {said}."))
        if hop.departure.credentials is not None:
            text = f"It lets {hop.departure.credentials.login} in."
            steps.append(Step("Signing in", State.DONE, text))
        steps.append(Step("Extensions", State.DONE, extensions_in_words(connection.extensions)))
        steps.append(await _begin(connection, hop, seconds=timeouts.command))
        await connection.quit()
        return


async def _begin(connection: RelayConnection, hop: NextHop, *, seconds: float) -> Step:
    """A transaction that is begun and reset: many a smarthost lets in whom it then asks to sign in. From the null
    reverse-path, which is nobody's and which notices have."""
    began = time.monotonic()
    try:
        reply = await connection.ask(b"MAIL FROM:<>\r\n", seconds=seconds)
        if reply.is_positive:
            await connection.ask(b"RSET\r\n", seconds=seconds)
    except WireLost as lost:
        return Step("Mail", State.FAILED, f"It was asked to take mail. {lost}", time.monotonic() - began)
    took = time.monotonic() - began
    if reply.is_positive:
        return Step("Mail", State.DONE, "It begins to take a message, which was not sent.", took)
    fault = set_up.fault(hop, reply, peer=connection.peer) or set_up.denial(
        hop, reply, peer=connection.peer, is_about_relaying=True
    )
    if fault is not None:
        return Step("Mail", State.FAILED, fault.reply, took)
    if reply.is_permanent:
        text = f"It takes no notices (MAIL FROM:<>), and perhaps other mail: {reply}"
    else:
        text = f"It takes nothing just now: mail would wait here, and be tried again later. {reply}"
    return Step("Mail", State.NOTED, text, took)


def _where(hop: NextHop) -> str:
    to = f"{hop.host} ({hop.address})" if hop.host != hop.address else hop.host
    return f"{to}, port {hop.port}" + (f", from {hop.departure.source}" if hop.departure.source else "")


async def _nobody(hosts: Sequence[str]) -> set[str]:
    return set()
