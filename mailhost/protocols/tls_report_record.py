"""Where a domain wants SMTP TLS reports: the TXT record at `_smtp._tls.DOMAIN`, and what its URIs name (RFC 8460
section 3).

A place outside the domain is not asked whether it wants them (section 7): only who gets mail from here can have a
report sent, and one a day.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.dmarc.report_destinations import mailto_address
from mailhost.protocols.dns_names import can_be_looked_up

LABELS: Final = "_smtp._tls"  # before the policy domain
MAX_RECORD_OCTETS: Final = 4_096  # the grammar sets no bound; records in use are below 300
MAX_URIS: Final = 20
# RFC 8460 section 3 leaves to us how many are tried: several are one organization's spare ones, not a list.
MAX_PLACES: Final = 5

# RFC 8460 section 3: tlsrpt-version and "rua=" are case-sensitive.
_RECORD_START: Final = re.compile(rb"v=TLSRPTv1[ \t]*;")
_FIELD: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31})=([!-:<-~][ -:<-~\t]*)")
# A name: an address could be one behind somebody's firewall, and nobody has a certificate for one.
_HOST: Final = re.compile(r"(?:[a-z0-9_-]+\.)*(?!\d+$)[a-z0-9_-]+")
# Of RFC 3986; commas, exclamation points and semicolons have to be encoded.
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[\"-+\--:<-~]+")


class NoRecord(Exception):
    """The domain asks for no TLS reports. The text is a sentence."""


class RecordInvalid(NoRecord):
    """It has a record, or several, that mean the same as none."""


@dataclass(frozen=True, slots=True)
class HttpsPlace:
    """Where a report is POSTed to. host: lower case; target: of the request."""

    uri: str
    host: str
    port: int
    target: str


@dataclass(frozen=True, slots=True)
class Places:
    """Where one domain's reports go, in its order. passed_over: sentences about the other URIs."""

    addresses: tuple[EmailAddress, ...] = ()
    https: tuple[HttpsPlace, ...] = ()
    passed_over: tuple[str, ...] = ()


def report_uris(texts: Sequence[bytes]) -> tuple[str, ...]:
    """The rua URIs among the TXT records of a name. Raises NoRecord, and RecordInvalid where none counts."""
    found = [text for text in texts if _RECORD_START.match(text)]
    if not found:
        raise NoRecord("The domain asks for no TLS reports.")
    if len(found) > 1:
        raise RecordInvalid("The domain has more than one TLSRPT record, so that none counts.")
    if len(found[0]) > MAX_RECORD_OCTETS or not found[0].isascii():
        raise RecordInvalid("The TLSRPT record is too long, or not ASCII.")
    fields = [field.strip(" \t") for field in found[0].decode("ascii").split(";")[1:]]
    if not fields[-1]:
        fields.pop()
    uris: dict[str, None] = {}
    for field in fields:
        match = _FIELD.fullmatch(field)
        if match is None:
            raise RecordInvalid("The TLSRPT record has a part that is no field.")
        if match[1] == "rua":
            uris.update(dict.fromkeys(each.strip(" \t") for each in match[2].split(",")))
    usable = [uri for uri in uris if _URI.fullmatch(uri)]
    if not usable:
        raise RecordInvalid("The TLSRPT record names no place for reports.")
    return tuple(usable[:MAX_URIS])


def places_of(uris: Iterable[str]) -> Places:
    """What can be written to of them: mailto and https (RFC 8460 section 3), MAX_PLACES together."""
    addresses: dict[tuple[str, str], EmailAddress] = {}
    https: dict[tuple[str, int, str], HttpsPlace] = {}
    passed_over: list[str] = []
    for uri in uris:
        address, place = mailto_address(uri), https_place(uri)
        if (address is None or address.domain.startswith("[")) and place is None:
            passed_over.append(f"{uri} is no place that a report can be sent to.")
        elif len(addresses) + len(https) >= MAX_PLACES:
            passed_over.append(f"{uri} is one place too many.")
        elif place is not None:
            https.setdefault((place.host, place.port, place.target), place)
        elif address is not None:
            addresses.setdefault(address.key, address)
    return Places(tuple(addresses.values()), tuple(https.values()), tuple(passed_over))


def https_place(uri: str) -> HttpsPlace | None:
    """Of an https URI with a host name and without a password; None for others."""
    if not _URI.fullmatch(uri):
        return None
    try:
        parts = urlsplit(uri)
        host, port = (parts.hostname or "").removesuffix("."), parts.port
    except ValueError:
        return None
    if parts.scheme.lower() != "https" or "@" in parts.netloc or port == 0:
        return None
    if not _HOST.fullmatch(host) or not can_be_looked_up(host):
        return None
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return HttpsPlace(uri, host, port or 443, target)
