"""A report POSTed to an https URI (RFC 8460 section 5.4), in bounded time and memory.

A certificate that is not valid is told and does not keep the report away: what is wrong with TLS over there is what it
is about (RFC 8460 section 3 allows it). A redirection is an answer like any other. No address that only this host
reaches is spoken to, whatever a stranger's DNS says.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from delivery.relay.next_hops import is_public
from mailhost.net.posting import AnswerInvalid, HttpAnswer, post
from mailhost.net.resolver import DnsUnavailable, LookUpFailed, Resolver
from mailhost.protocols.tls_report_record import HttpsPlace
from mailhost.protocols.tls_report_writing import PACKED_TYPE

POST_SECONDS: Final = 30.0  # for all addresses of a place
MAX_ADDRESSES: Final = 3
MAX_ANSWER_OCTETS: Final = 64 * 1024  # nobody reads it
TRY_AGAIN: Final = frozenset({408, 425, 429})  # of those that are the client's fault


@dataclass(frozen=True, slots=True)
class Posted:
    """is_taken: the place has it. note: a sentence about it, or "". is_open: trying again may help."""

    is_taken: bool = False
    note: str = ""
    is_open: bool = False


@dataclass
class ReportPoster:
    """to_private: places at private and loopback addresses are spoken to as well (MAILHOST_RELAY_TO_PRIVATE)."""

    resolver: Resolver
    to_private: bool = False
    context: Callable[[], ssl.SSLContext] = ssl.create_default_context
    seconds: float = POST_SECONDS
    _context: ssl.SSLContext | None = field(default=None, init=False)

    async def send(self, place: HttpsPlace, octets: bytes) -> Posted:
        """Never raises for what the other side does."""
        try:
            async with asyncio.timeout(self.seconds):
                found = await self.resolver.addresses(place.host)
                allowed = [each for each in found if self.to_private or is_public(each)]
                if not allowed:
                    return Posted(note=f"{place.uri} has only private addresses.")
                return await self._try(place, allowed[:MAX_ADDRESSES], octets)
        except TimeoutError:
            return Posted(note=f"{place.uri} did not answer in time.", is_open=True)
        except LookUpFailed as fact:
            return Posted(note=f"{place.uri}: {fact}", is_open=isinstance(fact, DnsUnavailable))

    async def _try(self, place: HttpsPlace, addresses: list[str], octets: bytes) -> Posted:
        """The first address that a connection can be made to."""
        note = ""
        for address in addresses:
            try:
                return await self._post(place, address, octets)
            except (AnswerInvalid, EOFError):
                return Posted(note=f"{place.uri} gave no answer that can be read.", is_open=True)
            except OSError as error:  # ssl.SSLError too
                note = f"{place.uri} cannot be reached: {error.strerror or type(error).__name__}."
        return Posted(note=note, is_open=True)

    async def _post(self, place: HttpsPlace, address: str, octets: bytes) -> Posted:
        self._context = self._context or self.context()
        note = ""
        try:
            answer = await _ask(place, address, octets, self._context)
        except ssl.SSLCertVerificationError as error:
            note = f"The certificate of {place.host} is not valid: {error.verify_message.rstrip('.')}."
            answer = await _ask(place, address, octets, _any_certificate())
        if 200 <= answer.status < 300:
            return Posted(is_taken=True, note=note)
        refused = " ".join(filter(None, (f"{place.uri} answered {answer.status}.", note)))
        return Posted(note=refused, is_open=answer.status >= 500 or answer.status in TRY_AGAIN)


async def _ask(place: HttpsPlace, address: str, octets: bytes, context: ssl.SSLContext) -> HttpAnswer:
    """Raises OSError, EOFError, AnswerInvalid."""
    reader, writer = await asyncio.open_connection(
        address, place.port, ssl=context, server_hostname=place.host
    )
    try:
        return await post(
            reader,
            writer,
            target=place.target,
            host=place.host if place.port == 443 else f"{place.host}:{place.port}",
            fields=(),
            content=octets,
            max_answer_octets=MAX_ANSWER_OCTETS,
            media_type=PACKED_TYPE,
        )
    finally:
        writer.transport.abort()  # close() would wait for a peer that takes nothing


@cache
def _any_certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
