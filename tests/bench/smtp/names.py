"""`python -m tests.bench.smtp.names PORT`: the name server of the benchmark's strangers, on 127.0.0.1, and their keys.

Each has SPF, a DKIM key, DMARC and an MX host; each address of 127.0.0.0/8 has a name that leads back to it.
"""

import asyncio
import base64
import sys
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.dns_server import DnsServer, serve

DOMAINS = [f"sender{number:03d}.test" for number in range(100)]
SELECTOR = "bench"
REVERSE = ".127.in-addr.arpa"


@lru_cache(maxsize=1)
def key() -> RSAPrivateKey:
    """One of 2048 bits for all of them."""
    return generate_private_key(65537, 2048)


class Names(DnsServer):
    """Knows the senders; names of client addresses are made up as they are asked for."""

    def fill(self, public_key: str) -> None:
        """public_key: as in p= (RFC 6376 section 3.6.1)."""
        for domain in DOMAINS:
            self.say(domain, "TXT", '"v=spf1 ip4:127.0.0.0/8 mx -all"')
            self.say(domain, "MX", f"10 mx.{domain}.")
            self.say(domain, "A", "127.0.0.1")
            self.say(f"mx.{domain}", "A", "127.0.0.1")
            halves = " ".join(f'"{half}"' for half in (f"v=DKIM1; p={public_key[:200]}", public_key[200:]))
            self.say(f"{SELECTOR}._domainkey.{domain}", "TXT", halves)
            self.say(f"_dmarc.{domain}", "TXT", '"v=DMARC1; p=reject"')

    def answer(self, octets: bytes) -> bytes | None:
        """As its parent; a name is known once it is asked for."""
        for name in _names_in(octets):
            if name.endswith(REVERSE):
                octets_of_address = name.removesuffix(".in-addr.arpa").split(".")[::-1]
                self.say(name, "PTR", f"c-{'-'.join(octets_of_address)}.clients.test.")
            elif name.endswith(".clients.test"):
                self.say(name, "A", ".".join(name.partition(".")[0].split("-")[1:]))
        return super().answer(octets)


def _names_in(octets: bytes) -> list[str]:
    labels, at = [], 12
    while at < len(octets) and octets[at]:
        labels.append(octets[at + 1 : at + 1 + octets[at]].decode("ascii", "replace").lower())
        at += 1 + octets[at]
    return [".".join(labels)]


def public_part(private: RSAPrivateKey) -> str:
    """Base64, as a DKIM key record has it."""
    der = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


async def _serve(port: int, public_key: str) -> None:
    server = Names(ttl=3600)
    server.fill(public_key)
    async with serve(server, port=port):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2]))
