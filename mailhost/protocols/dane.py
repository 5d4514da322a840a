"""TLSA records, and whether a server's certificates are what they name (RFC 6698, RFC 7671; for SMTP: RFC 7672)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mailhost.protocols.certificates import (
    CertificateRefused,
    load_chain,
    public_key_info,
    require_name,
    require_path,
)

MAX_RECORDS: Final = 50  # of one host: nobody has as many, and each is compared with each certificate


class Usage(IntEnum):
    """What the record names (RFC 7218 section 2.1). The other two are not for SMTP (RFC 7672 section 3.1.3)."""

    DANE_TA = 2
    DANE_EE = 3


class Selector(IntEnum):
    """Which part of the certificate (RFC 7218 section 2.2)."""

    CERT = 0
    SPKI = 1


class Matching(IntEnum):
    """How that is written (RFC 7218 section 2.3)."""

    FULL = 0
    SHA_256 = 1
    SHA_512 = 2


_USAGES: Final = frozenset(Usage)
_SELECTORS: Final = frozenset(Selector)
_MATCHINGS: Final = frozenset(Matching)
_DIGESTS: Final = {Matching.SHA_256: hashlib.sha256, Matching.SHA_512: hashlib.sha512}


@dataclass(frozen=True, slots=True)
class TlsaRecord:
    """One record as it stands in DNS (RFC 6698 section 2.1)."""

    usage: int
    selector: int
    matching: int
    association: bytes

    def __str__(self) -> str:
        """As in a zone file, and in a TLS report (RFC 8460 section 4.4)."""
        return f"{self.usage} {self.selector} {self.matching} {self.association.hex()}"

    @property
    def is_usable(self) -> bool:
        """Its fields are known, and what it compares with can be such a thing (RFC 7672 section 3.1, RFC 7671 section
        4).
        """
        if self.usage not in _USAGES or self.selector not in _SELECTORS or self.matching not in _MATCHINGS:
            return False
        if self.matching == Matching.FULL:
            return self.association.startswith(b"\x30")  # a SEQUENCE, as both are in DER
        return len(self.association) == _DIGESTS[Matching(self.matching)]().digest_size

    def matches(self, certificate: x509.Certificate) -> bool:
        """Whether it names this certificate, or its key. Raises CertificateRefused where it cannot be read."""
        is_all = self.selector == Selector.CERT
        selected = certificate.public_bytes(Encoding.DER) if is_all else public_key_info(certificate)
        if self.matching == Matching.FULL:
            return selected == self.association
        return _DIGESTS[Matching(self.matching)](selected).digest() == self.association


def usable(records: Sequence[TlsaRecord]) -> tuple[TlsaRecord, ...]:
    """Those that count: of digests with one usage and selector the strongest (RFC 7671 section 9)."""
    found = [each for each in records[:MAX_RECORDS] if each.is_usable]
    strongest: dict[tuple[int, int], int] = {}
    for each in found:
        key = each.usage, each.selector
        strongest[key] = max(strongest.get(key, 0), each.matching)
    return tuple(
        each for each in found if each.matching in (Matching.FULL, strongest[each.usage, each.selector])
    )


def verify(
    chain: Sequence[bytes], records: Sequence[TlsaRecord], *, names: Sequence[str], now: datetime
) -> Usage:
    """By which usage the chain (DER, the server's certificate first) is what usable records name.

    names: what the server may be called, the first one best known (RFC 7672 section 3.2.2). Neither they nor dates
    matter for DANE-EE (section 3.1.1). Raises CertificateRefused.
    """
    loaded = load_chain(chain)
    if any(each.usage == Usage.DANE_EE and each.matches(loaded[0]) for each in records):
        return Usage.DANE_EE
    anchors = [each for each in records if each.usage == Usage.DANE_TA]
    if not anchors:
        text = "The server's certificate is not the one that its TLSA records name."
        raise CertificateRefused("certificate-not-trusted", text)
    require_path(loaded, is_anchor=lambda each: any(one.matches(each) for one in anchors), now=now)
    require_name(loaded[0], names, common_name=True)
    return Usage.DANE_TA
