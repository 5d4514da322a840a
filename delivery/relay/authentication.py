"""Signing in with a smarthost (RFC 4954): SCRAM-SHA-256 (RFC 7677), PLAIN (RFC 4616), LOGIN.

A refusal never bounces mail: it is the operator's matter, not the sender's, who is not told the login either.
"""

import asyncio
import base64
import binascii
import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from delivery.relay.departure import Credentials
from delivery.relay.wire import WireLost
from mailhost.protocols.scram_client import ScramClient, ScramFailed
from mailhost.protocols.smtp.client import Extensions, ServerReply

NONCE_OCTETS: Final = 24
SIGNED_IN: Final = 235
SERVICE_CLOSING: Final = 421  # RFC 5321 section 3.8: about the connection, whatever it answers
GO_ON: Final = 334  # RFC 4954 section 4: a challenge in base64
_BASE64: Final = re.compile(r"[A-Za-z0-9+/=]{4,}")

Ask = Callable[[bytes], Awaitable[ServerReply]]


@dataclass(frozen=True, slots=True)
class SignInFailed:
    """status: 4.x.x; text: a sentence, without anything secret. is_refused: the server said no to what it was told."""

    status: str
    text: str
    is_refused: bool = False


async def sign_in(
    ask: Ask, *, extensions: Extensions, credentials: Credentials, is_verified: bool
) -> SignInFailed | None:
    """None: the server takes mail from us now. is_verified: nobody else listens. Raises WireLost."""
    if not is_verified and not credentials.allows_clear:
        text = "The password is not said: the connection is not verified, and the route does not allow it."
        return SignInFailed("4.7.0", text)
    offered = extensions.offered.get("AUTH", "").upper().split()
    mechanism = next((each for each in _MECHANISMS if each in offered), None)
    if mechanism is None:
        found = f"only {', '.join(offered)}" if offered else "no way"
        return SignInFailed("4.7.0", f"The server offers {found} to sign in: not {', '.join(_MECHANISMS)}.")
    said: list[str] = []

    async def note_and_ask(line: bytes) -> ServerReply:
        said.append(line.decode().removeprefix(f"AUTH {mechanism}").strip())
        return await ask(line)

    try:
        reply = await _MECHANISMS[mechanism](note_and_ask, credentials)
    except (ScramFailed, _NoChallenge) as fact:
        shown = _without_secrets(str(fact), said, credentials)
        return SignInFailed("4.7.0", f"Signing in ({mechanism}) failed. {shown}")
    except WireLost as lost:
        raise WireLost(_without_secrets(str(lost), said, credentials)) from None
    if reply.code == SIGNED_IN:
        return None
    status = reply.enhanced if reply.code < 500 and reply.enhanced else "4.7.8"
    shown = _without_secrets(str(reply), said, credentials)
    text = f"The server does not let this host in ({mechanism}): {shown}"
    return SignInFailed(status, text, is_refused=reply.code >= 400 and reply.code != SERVICE_CLOSING)


def _without_secrets(text: str, said: Sequence[str], credentials: Credentials) -> str:
    """What a server answers, which may repeat what it was told: in whole, in part, or decoded."""
    shown = _BASE64.sub(lambda word: "…" if any(word[0] in each for each in said) else word[0], text)
    for secret in filter(None, (credentials.password, credentials.login)):
        shown = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "…", shown)
    return shown


class _NoChallenge(Exception):
    """Its answer does not fit; the text is a sentence."""


async def _scram(ask: Ask, credentials: Credentials) -> ServerReply:
    nonce = base64.b64encode(secrets.token_bytes(NONCE_OCTETS)).decode()
    client = ScramClient(credentials.login, credentials.password, nonce)
    reply = await ask(b"AUTH SCRAM-SHA-256 " + _line(client.first()))
    if reply.code != GO_ON:
        return reply
    # The server says how long this takes: in a thread, others' mail goes on.
    reply = await ask(_line(await asyncio.to_thread(client.final, _challenge(reply))))
    if reply.code >= 400:
        return reply
    client.verify(_challenge(reply))
    return await ask(b"\r\n")


async def _plain(ask: Ask, credentials: Credentials) -> ServerReply:
    said = f"\0{credentials.login}\0{credentials.password}".encode()
    return await ask(b"AUTH PLAIN " + _line(said))


async def _login(ask: Ask, credentials: Credentials) -> ServerReply:
    reply = await ask(b"AUTH LOGIN\r\n")
    for said in (credentials.login, credentials.password):
        if reply.code != GO_ON:
            return reply
        reply = await ask(_line(said.encode()))
    return reply


_MECHANISMS: Final[dict[str, Callable[[Ask, Credentials], Awaitable[ServerReply]]]] = {
    "SCRAM-SHA-256": _scram,
    "PLAIN": _plain,
    "LOGIN": _login,
}


def _line(octets: bytes) -> bytes:
    return base64.b64encode(octets) + b"\r\n"


def _challenge(reply: ServerReply) -> bytes:
    if reply.code != GO_ON:
        raise _NoChallenge(f"Its answer does not fit: {reply}")
    try:
        return base64.b64decode("".join(reply.lines), validate=True)
    except (binascii.Error, ValueError):
        raise _NoChallenge("What it said is not base64.") from None
