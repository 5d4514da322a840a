"""Fetches the MTA-STS policy of a domain from its web server, in bounded time and memory (RFC 8461 section 3.3)."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from delivery.relay.next_hops import is_public
from delivery.relay.tls.mta_sts import FetchFailed
from mailhost.net.posting import AnswerInvalid, HttpAnswer, get
from mailhost.net.resolver import LookUpFailed, Resolver
from mailhost.protocols.mta_sts import MAX_POLICY_OCTETS, PolicyInvalid, StsPolicy, parse_policy

TARGET: Final = "/.well-known/mta-sts.txt"
# RFC 8461 section 3.3 suggests a minute; mail waits meanwhile, and goes without a policy afterwards.
FETCH_SECONDS: Final = 20.0
MAX_ADDRESSES: Final = 3

UNREACHED: Final = "sts-policy-fetch-error"
UNTRUSTED: Final = "sts-webpki-invalid"
INVALID: Final = "sts-policy-invalid"


@dataclass
class PolicyFetcher:
    """to_private: web servers at private and loopback addresses are asked too (MAILHOST_RELAY_TO_PRIVATE)."""

    resolver: Resolver
    to_private: bool = False
    context: Callable[[], ssl.SSLContext] = ssl.create_default_context
    port: int = 443
    seconds: float = FETCH_SECONDS
    _context: ssl.SSLContext | None = field(default=None, init=False)

    async def fetch(self, domain: str) -> StsPolicy:
        """The policy as its server has it now. Raises FetchFailed."""
        host = f"mta-sts.{domain}"
        try:
            async with asyncio.timeout(self.seconds):
                answer = await self._ask(host, await self._addresses(host))
        except TimeoutError:
            raise FetchFailed(UNREACHED, f"{host} did not send its policy in time.") from None
        if answer.status != 200:  # RFC 8461 section 3.3: redirections are not followed
            raise FetchFailed(UNREACHED, f"{host} answered {answer.status} when asked for its policy.")
        if answer.media_type != "text/plain":
            raise FetchFailed(INVALID, f"{host} sent something that is no text as its policy.")
        try:
            return parse_policy(answer.content)
        except PolicyInvalid as invalid:
            raise FetchFailed(INVALID, f"The policy at {host} is invalid. {invalid}") from invalid

    async def _addresses(self, host: str) -> list[str]:
        try:
            found = await self.resolver.addresses(host)
        except LookUpFailed as fact:
            raise FetchFailed(UNREACHED, str(fact)) from fact
        allowed = [each for each in found if self.to_private or is_public(each)]
        if not allowed:
            raise FetchFailed(UNREACHED, f"{host} has only private addresses.")
        return allowed[:MAX_ADDRESSES]

    async def _ask(self, host: str, addresses: list[str]) -> HttpAnswer:
        """Of the first address that a connection can be made to. Raises FetchFailed."""
        failure: FetchFailed | None = None
        for address in addresses:
            try:
                return await self._get(host, address)
            except ssl.SSLCertVerificationError as error:
                text = f"The certificate of {host} cannot be trusted: {error.verify_message}."
                failure = FetchFailed(UNTRUSTED, text)
            except (AnswerInvalid, EOFError) as error:
                failure = FetchFailed(UNREACHED, f"{host} gave no answer that can be read.")
                failure.__cause__ = error
            except OSError as error:  # ssl.SSLError too
                reason = error.strerror or type(error).__name__
                failure = FetchFailed(UNREACHED, f"{host} cannot be reached: {reason}.")
        assert failure is not None
        raise failure

    async def _get(self, host: str, address: str) -> HttpAnswer:
        self._context = self._context or self.context()
        reader, writer = await asyncio.open_connection(
            address, self.port, ssl=self._context, server_hostname=host
        )
        try:
            return await get(reader, writer, target=TARGET, host=host, max_answer_octets=MAX_POLICY_OCTETS)
        finally:
            writer.transport.abort()
