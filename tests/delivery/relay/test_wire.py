"""The connection itself, before anything is said."""

import asyncio
import socket

import pytest
import uvloop

from delivery.relay.wire import Wire, WireLost


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_refused_connection_is_told_in_the_systems_words(run: object) -> None:
    """Whichever loop it was made in: the delivery test has another one than the worker."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]

        async def scenario() -> None:
            await Wire.open("127.0.0.1", port, seconds=5)

        assert callable(run)
        with pytest.raises(WireLost, match=r"^The connection could not be made: Connection refused\.$"):
            run(scenario())
