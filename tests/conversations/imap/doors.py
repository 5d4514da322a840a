"""The IMAP doors, open on free ports: one host that asks for TLS, one that lets loopback log in without."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from mailboxes.imap.host import ImapHost
from mailboxes.imap.message_budget import MessageBudget
from mailboxes.imap.server import imap_host, listening
from mailhost.net.store_threads import close_store_threads
from mailhost.net.tls import ensure_local_ca, server_context
from mailhost.protocols.imap.framing import FramingLimits


@dataclass
class Doors:
    """`plain` allows plaintext logins, `strict` and `tls` are as in production; `small` has small limits."""

    host: ImapHost
    plain: int
    strict: int
    tls: int
    small: int


@asynccontextmanager
async def open_doors(folder: Path) -> AsyncIterator[Doors]:
    certificate = ensure_local_ca(folder, hostnames=["localhost", "127.0.0.1"], now=datetime.now(UTC))
    async with imap_host(tls=server_context(certificate.cert, certificate.key)) as strict:
        plain = replace(strict, allow_plaintext_login=True)
        small = replace(
            plain,
            budget=MessageBudget(3_000),
            limits=replace(
                strict.limits,
                framing=FramingLimits(line=1_000, literal=100, message=2_000, command=2_000),
                bad_commands=3,
                login_seconds=2.0,
                autologout_seconds=2.0,
                idle_notice_seconds=0.3,
                login_failures=2,
                room_seconds=0.5,
                progress_seconds=0.05,
            ),
        )
        async with (
            listening(plain, ports={"imap": 0}) as plain_ports,
            listening(strict, ports={"imap": 0, "imaps": 0}) as strict_ports,
            listening(small, ports={"imap": 0}) as small_ports,
        ):
            yield Doors(
                plain, plain_ports["imap"], strict_ports["imap"], strict_ports["imaps"], small_ports["imap"]
            )
    close_store_threads()


@asynccontextmanager
async def open_door() -> AsyncIterator[int]:
    """One door without TLS, with the settings of this moment; its port."""
    async with (
        imap_host(tls=None) as host,
        listening(replace(host, allow_plaintext_login=True), ports={"imap": 0}) as ports,
    ):
        yield ports["imap"]
    close_store_threads()
