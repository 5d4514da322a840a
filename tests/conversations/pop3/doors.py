"""The POP3 doors as the pop3 process opens them, on free ports."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from django.utils import timezone

from mailboxes.pop3.server import listening
from mailhost.net.tls import ensure_local_ca, server_context


@asynccontextmanager
async def open_doors(folder: Path) -> AsyncIterator[dict[str, int]]:
    """Ports by name: pop3 and pop3s."""
    files = ensure_local_ca(folder, hostnames=["localhost", "127.0.0.1"], now=timezone.now())
    tls = server_context(files.cert, files.key)
    async with listening(ports={"pop3": 0, "pop3s": 0}, tls=tls) as ports:
        yield ports
