"""`python -m tests.bench.relay.names PORT`: the name server of the relay's benchmark, on 127.0.0.1.

Whatever ends in `sink.test` has its mail server at the sink's address, whatever ends in `dead.test` at one where
nothing listens.
"""

import asyncio
import sys

from tests.support.dns_server import DnsServer, serve

SINK_ADDRESS = "127.0.0.1"
DEAD_ADDRESS = "127.0.0.2"


def filled() -> DnsServer:
    """With an hour to live: the look-ups of strangers' names are not what is measured here."""
    server = DnsServer(ttl=3600)
    for domain, address in (("sink.test", SINK_ADDRESS), ("dead.test", DEAD_ADDRESS)):
        server.say(domain, "MX", f"10 mx.{domain}.")
        server.say(f"mx.{domain}", "A", address)
    return server


async def _serve(port: int) -> None:
    async with serve(filled(), port=port):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
