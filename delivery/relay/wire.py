"""The octets of one SMTP client connection: replies out of what comes, with a time limit for each wait."""

import asyncio
import errno
import os
import ssl
from collections import deque
from collections.abc import Callable
from typing import cast

from mailhost.net.peer_chain import chain_of
from mailhost.protocols.smtp.client import ReplyReader, ReplySyntaxError, ServerReply

WRITE_BLOCK_OCTETS = 64 * 1024
MAX_UNREAD_REPLIES = 1_000  # ten times what one transaction with PIPELINING asks for


class WireLost(Exception):
    """The connection is of no more use: closed, timed out, or what came is no SMTP. The text is a sentence."""


class TlsFailed(Exception):
    """There is no TLS session; where no policy forbids it, in clear it may go. `result`: RFC 8460 section 4.3."""

    def __init__(self, text: str, *, result: str = "validation-failure") -> None:
        super().__init__(text)
        self.result = result


class Wire(asyncio.Protocol):
    """One connection. After WireLost it is closed."""

    def __init__(self) -> None:
        self._reader = ReplyReader()
        self._transport: asyncio.Transport | None = None
        self._lost = ""
        self._changed = asyncio.Event()  # a reply came, or the connection went
        self._can_write = asyncio.Event()
        self._can_write.set()

    @classmethod
    async def open(cls, address: str, port: int, *, seconds: float, source: str = "") -> "Wire":
        """A connection to the address, from an address of this machine's where one is given. Raises WireLost."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                _, wire = await loop.create_connection(
                    cls, address, port, local_addr=(source, 0) if source else None
                )
        except TimeoutError:
            raise WireLost("The connection could not be made in time.") from None
        except OSError as error:
            if source and error.errno == errno.EADDRNOTAVAIL:
                raise WireLost(
                    f"{source}, which is to be sent from, is no address of this machine."
                ) from None
            # The system's words: asyncio puts its own in their place.
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise WireLost(f"The connection could not be made: {reason}.") from None
        return wire

    @property
    def is_open(self) -> bool:
        """Nothing has gone wrong so far."""
        return not self._lost

    @property
    def unread(self) -> deque[ServerReply]:
        """Replies that came and were not taken yet."""
        return self._reader.replies

    async def reply(self, *, seconds: float) -> ServerReply:
        """The next reply. Raises WireLost, after what had come before the connection went was taken."""
        try:
            async with asyncio.timeout(seconds):
                while not self._reader.replies:
                    if self._lost:
                        raise WireLost(self._lost)
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            self.lose("It did not answer in time.")
            raise WireLost(self._lost) from None
        return self._reader.replies.popleft()

    async def write(self, octets: bytes | memoryview, *, seconds: Callable[[], float]) -> None:
        """Sends the octets; each block of 64 KB may take as long as is said when it is its turn. Raises WireLost."""
        view = memoryview(octets)
        for start in range(0, len(view), WRITE_BLOCK_OCTETS):
            if self._lost or self._transport is None:
                raise WireLost(self._lost)
            self._transport.write(view[start : start + WRITE_BLOCK_OCTETS])
            if self._can_write.is_set():
                continue
            try:
                async with asyncio.timeout(seconds()):
                    await self._can_write.wait()
            except TimeoutError:
                self.lose("It did not take what was sent in time.")
                raise WireLost(self._lost) from None
        if self._lost:
            raise WireLost(self._lost)

    async def start_tls(self, context: ssl.SSLContext, *, host: str, seconds: float) -> str:
        """TLS from here on; its version and cipher. Raises TlsFailed; the connection is closed then."""
        if self._transport is None or self._lost or not self._reader.is_clean:
            # Said in clear before TLS began: somebody between us may have put it there (RFC 3207 section 5).
            self.lose("It said more than its answer to STARTTLS.")
            raise TlsFailed(self._lost)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                transport = await loop.start_tls(self._transport, self, context, server_hostname=host)
        except (TimeoutError, OSError) as error:  # ssl.SSLError is an OSError
            self.lose("The TLS handshake failed.")
            raise TlsFailed(f"The TLS handshake failed: {str(error) or type(error).__name__}.") from None
        session = transport.get_extra_info("ssl_object") if transport else None
        if transport is None or session is None:
            self.lose("The connection was closed in the TLS handshake.")
            raise TlsFailed(self._lost)
        self._transport = transport
        version, cipher = session.version(), session.cipher()
        return f"{version} {cipher[0] if cipher else ''}".strip()

    def shown_chain(self) -> list[bytes]:
        """The certificates (DER) that the server showed in the handshake, its own first, as they came."""
        session = self._transport.get_extra_info("ssl_object") if self._transport else None
        return chain_of(session) if session is not None else []

    @property
    def own_address(self) -> str | None:
        """The address of this host that it goes out from."""
        name = self._transport.get_extra_info("sockname") if self._transport else None
        return str(name[0]) if name else None

    def lose(self, why: str) -> None:
        """Gives the connection up."""
        self._lost = self._lost or why
        self._changed.set()
        self._can_write.set()
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Closes it, with what was written still going out."""
        self._lost = self._lost or "The connection was closed from here."
        if self._transport is not None:
            self._transport.close()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by duck typing only

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
        except ReplySyntaxError as error:
            self.lose(str(error))
        if len(self._reader.replies) > MAX_UNREAD_REPLIES:
            self._reader.replies.clear()
            self.lose("It said much that it was not asked for.")
        self._changed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = self._lost or "The connection was lost."
        self._changed.set()
        self._can_write.set()

    def pause_writing(self) -> None:
        self._can_write.clear()

    def resume_writing(self) -> None:
        self._can_write.set()
