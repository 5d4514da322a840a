"""A message on its way in, as the checks see it: who brings it, for whom, and its octets read once."""

from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address

from mailboxes.store import structure
from mailhost.protocols.message.address_list import ListedAddress, parse_address_list
from mailhost.protocols.message.scanner import Part, scan
from mailhost.protocols.message.text import decode_words, one_line

SHOWN = 100  # characters of other people's words in a sentence of ours


@dataclass(frozen=True)
class Incoming:
    """peer: the client's address; helo: what it called itself; reverse_path: "" for the null one.

    octets: as they came in, before fields of ours are added. domains: those of the forward-paths, A-labels.
    """

    peer: IPv4Address | IPv6Address
    helo: str
    reverse_path: str
    domains: frozenset[str]
    octets: bytes

    @cached_property
    def root(self) -> Part:
        """Its MIME structure."""
        return scan(self.octets, limits=structure.limits())

    @cached_property
    def header(self) -> bytes:
        """With the blank line that ends it."""
        return self.octets[: self.root.body_start]

    def values(self, name: bytes) -> list[bytes]:
        """The unfolded values of a field that readers look at, in order."""
        return self.root.fields.get(name, [])

    def addresses(self, name: bytes) -> list[ListedAddress]:
        """Every address in the fields of that name; groups without their marks."""
        return [
            address
            for value in self.values(name)
            for address in parse_address_list(value)
            if address.mailbox and address.host
        ]

    @cached_property
    def subject(self) -> str:
        """Decoded; "" without one."""
        values = self.values(b"subject")
        return decode_words(values[0]) if values else ""


def domain_of(address: ListedAddress) -> str:
    """In lower case, as it stands: perhaps no domain at all."""
    return (address.host or b"").decode("utf-8", "replace").lower().strip(".")


def shown(text: str) -> str:
    """Other people's words, fit to stand in a sentence of ours."""
    return one_line(text, limit=SHOWN)
