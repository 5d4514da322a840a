"""Certificates that a server shows: whose they are, whether they are in date, who signed them (RFC 5280, RFC 6125).

A path is looked for by the chain that came, and by nothing else. What is refused is told with its result type of
RFC 8460 section 4.3.
"""

import ipaddress
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Literal, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

E = TypeVar("E", bound=x509.ExtensionType)

MAX_SHOWN: Final = 100  # characters of a name
MAX_CHAIN: Final = 12  # certificates that are looked at: chains in use have up to five

# Extensions of which what they say is looked at here; any other that is critical refuses (RFC 5280 section 4.2).
_UNDERSTOOD: Final = {
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    ExtensionOID.CERTIFICATE_POLICIES,  # any policy will do
}

_VERSION: Final = 0xA0  # [0] EXPLICIT

Result = Literal[
    "certificate-expired",
    "certificate-host-mismatch",
    "certificate-not-trusted",
    "validation-failure",
]


class CertificateRefused(Exception):
    """The text is a sentence; `result` is a result type of RFC 8460 section 4.3."""

    def __init__(self, result: Result, text: str) -> None:
        super().__init__(text)
        self.result = result


def load_chain(chain: Sequence[bytes]) -> list[x509.Certificate]:
    """The certificates of a chain in DER, the server's first. Raises CertificateRefused."""
    if not chain:
        raise CertificateRefused("validation-failure", "The server showed no certificate.")
    try:
        return [x509.load_der_x509_certificate(each) for each in chain[:MAX_CHAIN]]
    except (ValueError, x509.InvalidVersion) as error:
        raise _unreadable() from error


def public_key_info(certificate: x509.Certificate) -> bytes:
    """SubjectPublicKeyInfo as it stands in the certificate (RFC 5280 section 4.1). Raises CertificateRefused."""
    fields = _elements(_elements(certificate.tbs_certificate_bytes)[0][1])
    if fields and fields[0][0] == _VERSION:
        fields = fields[1:]
    # serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo
    if len(fields) < 6:
        raise _unreadable()
    return fields[5][2]


def _elements(octets: bytes) -> list[tuple[int, bytes, bytes]]:
    """DER elements one after the other: tag, content, and all of it. Raises CertificateRefused."""
    found, at = [], 0
    while at < len(octets):
        header = octets[at : at + 2]
        if len(header) < 2:
            raise _unreadable()
        start, length = at + 2, header[1]
        if length & 0x80:
            width = length & 0x7F
            length = int.from_bytes(octets[start : start + width], "big")
            start += width
        end = start + length
        if end > len(octets):
            raise _unreadable()
        found.append((header[0], octets[start:end], octets[at:end]))
        at = end
    return found


def require_name(certificate: x509.Certificate, names: Sequence[str], *, common_name: bool) -> None:
    """One of the names is the certificate's, `*.` standing for one label (RFC 6125 section 6.4).

    common_name: where it has no DNS-ID, its CN-ID counts. Raises CertificateRefused.
    """
    own = [name.lower().removesuffix(".") for name in _dns_names(certificate, common_name=common_name)]
    for name in names:
        wanted = name.lower().removesuffix(".")
        _, _, parent = wanted.partition(".")
        if wanted in own or (parent and f"*.{parent}" in own):
            return
    shown = f"is for {', '.join(map(_shown, own[:3]))}" if own else "names no host"
    raise CertificateRefused("certificate-host-mismatch", f"The certificate {shown}, and not for {names[0]}.")


def require_address(certificate: x509.Certificate, address: IpAddress) -> None:
    """It is among the addresses that the certificate is for, of which DNS-IDs are none (RFC 5280 section 4.2.1.6).

    Raises CertificateRefused.
    """
    alternatives = _extension(certificate, x509.SubjectAlternativeName)
    own = alternatives.get_values_for_type(x509.IPAddress) if alternatives else []
    if address not in own:
        shown = f"is for {', '.join(map(str, own[:3]))}" if own else "is for no address"
        raise CertificateRefused(
            "certificate-host-mismatch", f"The certificate {shown}, and not for {address}."
        )


def address_in(host: str) -> IpAddress | None:
    """The address that a host is named by, as it is or as an address literal (RFC 5321 section 4.1.3); None: a name."""
    text = host.lower().removeprefix("[").removesuffix("]").removeprefix("ipv6:")
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _shown(name: str) -> str:
    """A name out of a stranger's certificate, which goes into logs and notices: of bounded length, and of one line."""
    return "".join(each if each.isprintable() else "?" for each in name[:MAX_SHOWN])


def require_dates(certificate: x509.Certificate, *, now: datetime) -> None:
    """Raises CertificateRefused where it is over, or not valid yet."""
    if now > certificate.not_valid_after_utc:
        text = f"The certificate expired on {certificate.not_valid_after_utc:%Y-%m-%d}."
        raise CertificateRefused("certificate-expired", text)
    if now < certificate.not_valid_before_utc:
        text = f"The certificate is not valid before {certificate.not_valid_before_utc:%Y-%m-%d}."
        raise CertificateRefused("certificate-expired", text)


def require_web_pki(chain: Sequence[bytes], *, name: str, trust: Store, now: datetime) -> None:
    """The chain leads to a trusted CA, and is for this name, or address. Raises CertificateRefused."""
    leaf, *others = load_chain(chain)
    address = address_in(name)
    try:
        if address is None:
            require_name(leaf, [name], common_name=False)  # RFC 8461 section 4.2: a DNS-ID
        else:
            require_address(leaf, address)
        require_dates(leaf, now=now)
        subject = x509.DNSName(name) if address is None else x509.IPAddress(address)
        verifier = PolicyBuilder().store(trust).time(now).build_server_verifier(subject)
        verifier.verify(leaf, others)
    except VerificationError as error:
        text = "The certificate was not issued by an authority that is trusted here."
        if leaf.issuer == leaf.subject:
            text = "The certificate is self-signed."
        raise CertificateRefused("certificate-not-trusted", text) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _unreadable() from error


def require_path(
    chain: Sequence[x509.Certificate], *, is_anchor: Callable[[x509.Certificate], bool], now: datetime
) -> None:
    """Somebody in the chain beyond its first certificate is an anchor, and has issued that, or issued who has.

    Raises CertificateRefused.
    """
    leaf, *others = chain
    anchors = [each for each in others if is_anchor(each)]
    if not anchors:
        text = "None of the server's certificates is an authority that its TLSA records name."
        raise CertificateRefused("certificate-not-trusted", text)
    _require_understood(leaf)
    usage = _extension(leaf, x509.ExtendedKeyUsage)
    if usage is not None and not {
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    } & set(usage):
        raise CertificateRefused("certificate-not-trusted", "The certificate is not one for servers.")
    path = _path(leaf, others, anchors, now=now)
    for each in path:
        require_dates(each, now=now)


def _path(
    leaf: x509.Certificate,
    others: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    *,
    now: datetime,
) -> list[x509.Certificate]:
    """From the leaf to an anchor, each step by who issued it and may; a step in date is preferred."""
    path, left = [leaf], list(others)
    while left:
        issuers = [each for each in left if _has_issued(each, path[-1], below=len(path) - 1)]
        if not issuers:
            break
        issuer = min(issuers, key=lambda each: (each not in anchors, now > each.not_valid_after_utc))
        path.append(issuer)
        left.remove(issuer)
        if issuer in anchors:
            return path
    text = "The certificate was not issued by the authority that the server's TLSA records name."
    raise CertificateRefused("certificate-not-trusted", text)


def _has_issued(issuer: x509.Certificate, issued: x509.Certificate, *, below: int) -> bool:
    """RFC 5280 section 6.1.4: an authority, with `below` others under it, that may sign, and did."""
    try:
        issued.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    constraints = _extension(issuer, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        return False
    if constraints.path_length is not None and constraints.path_length < below:
        return False
    usage = _extension(issuer, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        return False
    _require_understood(issuer)
    return True


def _require_understood(certificate: x509.Certificate) -> None:
    for each in _extensions(certificate):
        if each.critical and each.oid not in _UNDERSTOOD:
            text = "A certificate has a critical extension that is not understood here."
            raise CertificateRefused("certificate-not-trusted", text)


def _dns_names(certificate: x509.Certificate, *, common_name: bool) -> list[str]:
    """The DNS-IDs; or, where there are none and CN-IDs count, those."""
    alternatives = _extension(certificate, x509.SubjectAlternativeName)
    names = alternatives.get_values_for_type(x509.DNSName) if alternatives else []
    if names or not common_name:
        return list(names)
    try:
        return [str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    except ValueError as error:
        raise _unreadable() from error


def _extension(certificate: x509.Certificate, kind: type[E]) -> E | None:
    for each in _extensions(certificate):
        if isinstance(each.value, kind):
            return each.value
    return None


def _extensions(certificate: x509.Certificate) -> x509.Extensions:
    try:
        return certificate.extensions
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise _unreadable() from error


def _unreadable() -> CertificateRefused:
    return CertificateRefused("validation-failure", "The server's certificate cannot be read.")
