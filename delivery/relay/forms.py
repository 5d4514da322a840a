"""In which octets a message goes to a server, and how they are framed: by what the server offers.

BINARYMIME and CHUNKING (RFC 3030), 8BITMIME (RFC 6152).
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from delivery.relay.parcel import Parcel
from mailhost.protocols.smtp.client import Extensions

# As many round trips as DATA, a third of the time of ours and of the server's (no dots), and it can refuse in the
# middle. Shorter messages go as every server knows it best.
CHUNKED_FROM_OCTETS: Final = 256 * 1024


class Octets(Enum):
    """Of the message as it leaves."""

    AS_THEY_ARE = "as they are"  # BINARYMIME to a server that takes it
    LINES = "lines"  # with CRLF alone for line ends
    SEVEN_BIT = "7bit"  # in lines, of ASCII alone


@dataclass(frozen=True, slots=True)
class Form:
    """is_chunked: by BDAT; otherwise by DATA, with transparent dots and the final one."""

    octets: Octets = Octets.LINES
    is_chunked: bool = False


def form_for(parcel: Parcel, extensions: Extensions) -> Form:
    """How this server is to get it."""
    if parcel.message.body == "BINARYMIME" and extensions.take_binary:
        return Form(Octets.AS_THEY_ARE, is_chunked=True)
    is_chunked = "CHUNKING" in extensions and parcel.message.size_octets >= CHUNKED_FROM_OCTETS
    # A message that needs SMTPUTF8, which includes 8BITMIME (RFC 6531 section 3.1), is refused for that.
    if "8BITMIME" not in extensions and not parcel.needs_smtputf8:
        return Form(Octets.SEVEN_BIT, is_chunked)
    return Form(Octets.LINES, is_chunked)
