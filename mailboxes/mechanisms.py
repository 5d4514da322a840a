"""SASL (RFC 4422) for every door: which mechanisms a connection may use, and one attempt with one of them.

IMAP, POP3 and SMTP differ in how a challenge travels and nothing else: they hand in `ask`, which sends one and gives
the answer.
"""

import functools
import secrets
from asyncio import sleep
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from django.conf import settings

from mailboxes.authentication import Principal, sign_in
from mailboxes.exceptions import ActingForAnother, AuthenticationFailed
from mailboxes.known_logins import SignIn
from mailboxes.logins import canonical_login
from mailboxes.scram_authentication import count_failure, find_scram_account
from mailboxes.tokens import check_token
from mailhost.net.store_threads import in_store
from mailhost.protocols import bearer
from mailhost.protocols.sasl import Credentials, Exchange, LoginExchange, PlainExchange, SaslSyntaxError
from mailhost.protocols.scram_server import ScramExchange, ScramRefused

PLUS = "SCRAM-SHA-256-PLUS"
TOKENS = frozenset(bearer.PARSERS)
NONCE_OCTETS = 18  # 24 printable characters


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an exchange needs of its connection. `end_points`: what a channel can be bound to (RFC 5929).

    `ask` sends a challenge and gives the response, both without base64. It may raise SaslCancelled, SaslSyntaxError,
    and what reading from the client raises. `sign_in` looks at passwords.
    """

    protocol: str
    peer: str
    end_points: Sequence[bytes]
    offered: Sequence[str]
    ask: Callable[[bytes], Awaitable[bytes]]
    sign_in: SignIn = sign_in


def offered_mechanisms(*, end_points: Sequence[bytes]) -> tuple[str, ...]:
    """What a connection that may send passwords at all can use, in the order of the setting."""
    return _offered(tuple(settings.SASL_MECHANISMS), bool(end_points), bool(settings.TOKEN_CHECKER))


@functools.lru_cache(maxsize=16)
def _offered(names: Sequence[str], has_end_points: bool, takes_tokens: bool) -> tuple[str, ...]:
    return tuple(
        name
        for name in names
        if name in MECHANISMS and (name != PLUS or has_end_points) and (name not in TOKENS or takes_tokens)
    )


async def authenticate_with(mechanism: str, initial: bytes | None, attempt: Attempt) -> Principal:
    """Who signs in by this exchange; `mechanism` is one of those offered. `initial`: the initial response, if any.

    Raises SaslSyntaxError, AuthenticationFailed (already waited for), ActingForAnother, TooManyFailures,
    StoreUnavailable, and what `attempt.ask` raises.
    """
    return await MECHANISMS[mechanism](mechanism, initial, attempt)


async def _by_password(mechanism: str, initial: bytes | None, attempt: Attempt) -> Principal:
    """PLAIN (RFC 4616) and LOGIN."""
    exchange: Exchange = PlainExchange() if mechanism == "PLAIN" else LoginExchange()
    step = exchange.answer(initial)
    while not isinstance(step, Credentials):
        step = exchange.answer(await attempt.ask(step.octets))
    _check_authzid(step.authzid, step.login)
    return await attempt.sign_in(
        login=step.login, password=step.password, peer=attempt.peer, protocol=attempt.protocol
    )


async def _by_proof(mechanism: str, initial: bytes | None, attempt: Attempt) -> Principal:
    """SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677)."""
    exchange = ScramExchange(
        is_plus=mechanism == PLUS,
        bindings=attempt.end_points,
        is_plus_offered=PLUS in attempt.offered,
        nonce=secrets.token_urlsafe(NONCE_OCTETS),
    )
    octets = await attempt.ask(b"") if initial is None else initial
    login = ""
    try:
        first = exchange.first(octets)
        login = first.login
        _check_authzid(first.authzid, login)
        account = await in_store(
            find_scram_account, login=login, peer=attempt.peer, protocol=attempt.protocol
        )
        proof = await attempt.ask(exchange.challenge(account.keys))
        server_final = exchange.final(proof)
        if account.principal is None:
            raise ScramRefused("the account may not sign in here")
    except ScramRefused as refusal:
        failure = await in_store(count_failure, login=login, peer=attempt.peer)
        await sleep(failure.wait_seconds)
        raise failure from refusal
    # No protocol here sends data along with success, so it is one more challenge, and its answer is empty.
    if await attempt.ask(server_final):
        raise SaslSyntaxError("Nothing was to follow the final message of SCRAM.")
    return account.principal


async def _by_token(mechanism: str, initial: bytes | None, attempt: Attempt) -> Principal:
    """OAUTHBEARER (RFC 7628) and XOAUTH2."""
    octets = await attempt.ask(b"") if initial is None else initial
    claimed = bearer.PARSERS[mechanism](octets)
    try:
        return await in_store(
            check_token,
            token=claimed.token,
            login=claimed.login,
            peer=attempt.peer,
            protocol=attempt.protocol,
        )
    except AuthenticationFailed as failure:
        await sleep(failure.wait_seconds)
        await attempt.ask(
            bearer.REFUSALS[mechanism]
        )  # RFC 7628 section 3.2.3: the answer to it means nothing
        raise


def _check_authzid(authzid: str, login: str) -> None:
    if authzid and canonical_login(authzid) != canonical_login(login):
        raise ActingForAnother


MECHANISMS: dict[str, Callable[[str, bytes | None, Attempt], Awaitable[Principal]]] = {
    PLUS: _by_proof,
    "SCRAM-SHA-256": _by_proof,
    "PLAIN": _by_password,
    "LOGIN": _by_password,
    "OAUTHBEARER": _by_token,
    "XOAUTH2": _by_token,
}
