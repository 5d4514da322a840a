"""A message on its way in, as the checks see it: who brings it, for whom, and its octets read once."""

from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address

from mailboxes.store import structure
from mailhost.protocols.message.address_list import ListedAddress, parse_address_list
from mailhost.protocols.message.scanner import Part, scan
from mailhost.protocols.message.text import decode_words, one_line

SHOWN = 100  # characters of other people's words in a sentence of ours
# A list of addresses can take a microsecond an octet to read, and this is an event loop. RFC 5322 allows any length;
# people's From and Reply-To stay below 1,000.
MAX_LIST_OCTETS = 8_192


@dataclass(frozen=True)
class Incoming:
    """peer: the client's address; helo: what it called itself; reverse_path: "" for the null one.

    octets: as they came in, before fields of ours are added. domains: those of the forward-paths, A-labels.
    forward_paths: each once; trace_id: what Received calls it; tls: version and cipher, "" without. Only checkers
    outside are told of these.
    """

    peer: IPv4Address | IPv6Address
    helo: str
    reverse_path: str
    domains: frozenset[str]
    octets: bytes
    forward_paths: tuple[str, ...] = ()
    trace_id: str = ""
    tls: tuple[str, str] = ("", "")

    @cached_property
    def root(self) -> Part:
        """Its MIME structure."""
        return scan(self.octets, limits=structure.limits())

    @property
    def known_root(self) -> Part | None:
        """Its MIME structure, where a check has wanted it."""
        return self.__dict__.get("root")

    @cached_property
    def header(self) -> bytes:
        """With the blank line that ends it."""
        return self.octets[: self.root.body_start]

    def values(self, name: bytes) -> list[bytes]:
        """The unfolded values of a field that readers look at, in order."""
        return self.root.fields.get(name, [])

    def list_values(self, name: bytes) -> list[bytes]:
        """As values, of fields that list addresses: as much of them as is read."""
        room = MAX_LIST_OCTETS
        read = []
        for value in self.values(name):
            read.append(value[:room])
            room -= len(read[-1])
            if room <= 0:
                break
        return read

    def addresses(self, name: bytes) -> list[ListedAddress]:
        """Every address that is read in the fields of that name; groups without their marks."""
        if name not in self._addresses:
            self._addresses[name] = [
                address
                for value in self.list_values(name)
                for address in parse_address_list(value)
                if address.mailbox and address.host
            ]
        return self._addresses[name]

    @cached_property
    def _addresses(self) -> dict[bytes, list[ListedAddress]]:
        return {}

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
